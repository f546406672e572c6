// What the screen shows beside the conversation: dialogs, panels, notices. Nothing here outlives the page but the
// theme and the drafts.

import { signal } from "@preact/signals";
import type { Id } from "@parley/client";

export type Dialog =
  | { kind: "switcher" }
  | { kind: "browse" }
  | { kind: "create-channel"; name?: string }
  | { kind: "new-message" }
  | { kind: "add-people"; channel: Id }
  | { kind: "edit-channel"; channel: Id }
  | { kind: "hooks"; channel: Id }
  | { kind: "settings"; tab: "profile" | "appearance" | "password" | "sessions" | "tokens" | "bots" }
  | { kind: "invites" }
  | { kind: "shortcuts" }
  | { kind: "confirm"; title: string; text: string; action: string; danger: boolean; run: () => Promise<void> | void };

export interface Toast {
  id: number;
  tone: "plain" | "error";
  text: string;
}

export const dialog = signal<Dialog | null>(null);
export const drawerOpen = signal(false);
export const panelOpen = signal(false);
export const toasts = signal<readonly Toast[]>([]);
export const editing = signal<Id | null>(null);
let editFrom: "composer" | "row" = "row";

/** Where the focus goes back to depends on where the edit began. */
export function startEdit(message: Id, from: "composer" | "row"): void {
  editFrom = from;
  editing.value = message;
}

export function endEdit(): "composer" | "row" {
  editing.value = null;
  return editFrom;
}

let nextToast = 1;

export function toast(text: string, tone: Toast["tone"] = "plain"): void {
  const id = nextToast++;
  toasts.value = [...toasts.value.filter((t) => t.text !== text), { id, text, tone }].slice(-3);
  setTimeout(() => dismissToast(id), tone === "error" ? 8_000 : 5_000);
}

export function dismissToast(id: number): void {
  toasts.value = toasts.value.filter((t) => t.id !== id);
}

// Spoken notices: one at a time, politely.

export const spoken = signal("");
let queue: string[] = [];
let speaking = false;

export function announce(text: string): void {
  queue.push(text);
  if (queue.length > 4) queue = [`${queue.length} new messages`];
  if (!speaking) speakNext();
}

function speakNext(): void {
  const next = queue.shift();
  speaking = next !== undefined;
  if (next === undefined) {
    spoken.value = "";
    return;
  }
  spoken.value = spoken.value === next ? `${next}\u00a0` : next;
  setTimeout(speakNext, 700);
}

// Theme

export type Theme = "system" | "light" | "dark";
const THEME_KEY = "parley.theme";

export const theme = signal<Theme>(readTheme());

function readTheme(): Theme {
  const stored = read(THEME_KEY);
  return stored === "light" || stored === "dark" ? stored : "system";
}

export function setTheme(next: Theme): void {
  theme.value = next;
  if (next === "system") remove(THEME_KEY);
  else write(THEME_KEY, next);
  applyTheme();
}

export function applyTheme(): void {
  const root = document.documentElement;
  if (theme.value === "system") delete root.dataset.theme;
  else root.dataset.theme = theme.value;
}

// Drafts

const DRAFT_PREFIX = "parley.draft.";

export function draftOf(channel: Id): string {
  return read(DRAFT_PREFIX + channel) ?? "";
}

export function keepDraft(channel: Id, text: string): void {
  if (text === "") remove(DRAFT_PREFIX + channel);
  else write(DRAFT_PREFIX + channel, text);
}

export function dropDrafts(): void {
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith(DRAFT_PREFIX)) remove(key);
  }
}

// localStorage can be full or forbidden: then nothing is remembered, and nothing breaks.

export function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // not remembered
  }
}

export function remove(key: string): void {
  try {
    localStorage.removeItem(key);
  } catch {
    // not remembered
  }
}
