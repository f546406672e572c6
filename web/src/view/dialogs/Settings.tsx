import type { TargetedKeyboardEvent } from "preact";
import { dialog } from "../../ui";
import { Dialog } from "../base/Dialog";
import { BotSettings } from "./BotSettings";
import { AppearanceSettings } from "./AppearanceSettings";
import { PasswordSettings } from "./PasswordSettings";
import { ProfileSettings } from "./ProfileSettings";
import { SessionSettings } from "./SessionSettings";
import { TokenSettings } from "./TokenSettings";

type Tab = "profile" | "appearance" | "password" | "sessions" | "tokens" | "bots";

const TABS: readonly { id: Tab; label: string }[] = [
  { id: "profile", label: "Profile" },
  { id: "appearance", label: "Appearance" },
  { id: "password", label: "Password" },
  { id: "sessions", label: "Sessions" },
  { id: "tokens", label: "Tokens" },
  { id: "bots", label: "Bots" },
];

export function Settings({ tab }: { tab: Tab }) {
  function show(next: Tab): void {
    dialog.value = { kind: "settings", tab: next };
  }

  function onKeyDown(event: TargetedKeyboardEvent<HTMLDivElement>): void {
    const at = TABS.findIndex((t) => t.id === tab);
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1 }[event.key];
    const next = by === undefined ? undefined : TABS[(at + by + TABS.length) % TABS.length];
    if (next === undefined) return;
    event.preventDefault();
    show(next.id);
    document.getElementById(`tab-${next.id}`)?.focus();
  }

  return (
    <Dialog title="Settings" wide>
      <div class="settings">
        <div class="tabs" role="tablist" aria-label="Settings" onKeyDown={onKeyDown}>
          {TABS.map((t) => (
            <button
              key={t.id}
              id={`tab-${t.id}`}
              type="button"
              role="tab"
              aria-selected={t.id === tab}
              aria-controls="settings-page"
              tabIndex={t.id === tab ? 0 : -1}
              autofocus={t.id === tab}
              onClick={() => show(t.id)}
            >
              {t.label}
            </button>
          ))}
        </div>
        <div id="settings-page" class="settings-page" role="tabpanel" aria-labelledby={`tab-${tab}`}>
          {tab === "profile" && <ProfileSettings />}
          {tab === "appearance" && <AppearanceSettings />}
          {tab === "password" && <PasswordSettings />}
          {tab === "sessions" && <SessionSettings />}
          {tab === "tokens" && <TokenSettings />}
          {tab === "bots" && <BotSettings />}
        </div>
      </div>
    </Dialog>
  );
}
