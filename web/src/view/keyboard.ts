import { useEffect } from "preact/hooks";
import { current, markRead, openChannel, state } from "../app";
import { sorted } from "@parley/client/state";
import { dialog, drawerOpen, editing, panelOpen } from "../ui";
import { isMac } from "./platform";

export const SHORTCUTS: readonly { keys: readonly string[]; what: string }[] = [
  { keys: [isMac ? "⌘" : "Ctrl", "K"], what: "Go to a channel or person" },
  { keys: ["Alt", "↑ ↓"], what: "Previous or next channel" },
  { keys: ["Shift", "Alt", "↑ ↓"], what: "Previous or next unread channel" },
  { keys: ["Esc"], what: "Mark the channel as read" },
  { keys: ["Enter"], what: "Send the message" },
  { keys: ["Shift", "Enter"], what: "New line" },
  { keys: ["↑"], what: "Edit your last message (in an empty composer)" },
  { keys: ["F6"], what: "Move between messages and composer" },
  { keys: ["↑ ↓"], what: "Move between messages (in the messages)" },
  { keys: ["E"], what: "Edit the message in focus" },
  { keys: ["Delete"], what: "Delete the message in focus" },
  { keys: ["?"], what: "This list" },
];

export function useShortcuts(): void {
  useEffect(() => {
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    dialog.value = dialog.value?.kind === "switcher" ? null : { kind: "switcher" };
    return;
  }
  if (dialog.value !== null) return;
  if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    event.preventDefault();
    step(event.key === "ArrowDown" ? 1 : -1, event.shiftKey);
  } else if (event.key === "Escape") escape();
  else if (event.key === "F6") {
    event.preventDefault();
    switchPane();
  } else if (event.key === "?" && !isTyping(event.target)) {
    event.preventDefault();
    dialog.value = { kind: "shortcuts" };
  }
}

function step(by: 1 | -1, unreadOnly: boolean): void {
  const { channels, direct } = sorted(state.value);
  const all = [...channels, ...direct];
  const at = all.findIndex((c) => c.view.id === state.value.current);
  for (let i = 1; i <= all.length; i += 1) {
    const next = all[(at + by * i + all.length * i) % all.length];
    if (next === undefined) return;
    if (!unreadOnly || next.view.unread > 0) {
      openChannel(next.view.id);
      return;
    }
  }
}

function escape(): void {
  if (editing.value !== null) return;
  if (drawerOpen.value) drawerOpen.value = false;
  else if (panelOpen.value && window.innerWidth < 640) panelOpen.value = false;
  else if (current.value !== null) markRead(current.value.view.id);
}

function switchPane(): void {
  const composer = document.querySelector<HTMLElement>(".composer textarea");
  if (document.activeElement === composer) document.querySelector<HTMLElement>(".log")?.focus();
  else composer?.focus();
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.matches("input, textarea, select") || target.isContentEditable);
}
