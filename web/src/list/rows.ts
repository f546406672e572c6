// What the conversation shows, row by row, as a pure function of what is loaded.

import type { Id, Message } from "@parley/client";
import type { Pending, Window } from "@parley/client/state";

export type Row =
  | { kind: "start"; key: "start" }
  | { kind: "older"; key: "older" }
  | { kind: "newer"; key: "newer" }
  | { kind: "day"; key: string; at: string }
  | { kind: "new"; key: "new" }
  | { kind: "message"; key: string; message: Message; grouped: boolean }
  | { kind: "pending"; key: string; pending: Pending; grouped: boolean };

const GROUP_MS = 5 * 60_000;

interface Previous {
  author: Id;
  /** How a program wants to be shown. */
  as: string;
  at: string;
  plain: boolean;
}

export interface RowInput {
  window: Window;
  pending: readonly Pending[];
  divider: number | null;
  me: Id;
}

export function buildRows({ window, pending, divider, me }: RowInput): Row[] {
  const rows: Row[] = [window.moreBefore ? { kind: "older", key: "older" } : { kind: "start", key: "start" }];
  let previous: Previous | null = null;
  let divided = divider === null;
  for (const [at, message] of window.messages.entries()) {
    // Whether the oldest message begins a group or a day is known only with the one before it: it is shown with that.
    if (at === 0 && window.moreBefore) {
      previous = { author: message.author, as: shownAs(message), at: message.created_at, plain: message.deleted_at === undefined };
      divided ||= message.seq > (divider ?? 0);
      continue;
    }
    const newDay: boolean = previous === null || dayOf(previous.at) !== dayOf(message.created_at);
    if (newDay) rows.push({ kind: "day", key: `day:${dayOf(message.created_at)}`, at: message.created_at });
    const divides = !divided && divider !== null && message.seq > divider && message.author !== me;
    if (divides) {
      rows.push({ kind: "new", key: "new" });
      divided = true;
    }
    const isPlain = message.deleted_at === undefined;
    const grouped = !newDay && !divides && isPlain && follows(previous, message.author, shownAs(message), message.created_at);
    rows.push({ kind: "message", key: messageKey(message, me), message, grouped });
    previous = { author: message.author, as: shownAs(message), at: message.created_at, plain: isPlain };
  }
  if (window.moreAfter) {
    rows.push({ kind: "newer", key: "newer" });
    return rows;
  }
  for (const item of pending) {
    const newDay: boolean = previous === null || dayOf(previous.at) !== dayOf(item.created_at);
    if (newDay) rows.push({ kind: "day", key: `day:${dayOf(item.created_at)}`, at: item.created_at });
    const grouped = !newDay && follows(previous, me, "", item.created_at);
    rows.push({ kind: "pending", key: pendingKey(item), pending: item, grouped });
    previous = { author: me, as: "", at: item.created_at, plain: true };
  }
  return rows;
}

/** One's own message keeps its key when it is acknowledged, and so its element and its place. */
export function messageKey(message: Message, me: Id): string {
  if (message.author === me && message.client_msg_id !== undefined) return `m:${message.client_msg_id}`;
  return `m:${message.id}`;
}

export function pendingKey(pending: Pending): string {
  return `m:${pending.client_msg_id}`;
}

function shownAs({ as }: Message): string {
  return as === undefined ? "" : `${as.name ?? ""}\n${as.icon ?? ""}`;
}

function follows(previous: Previous | null, author: Id, as: string, at: string): boolean {
  if (previous?.author !== author || previous.as !== as || !previous.plain) return false;
  return Math.abs(Date.parse(at) - Date.parse(previous.at)) < GROUP_MS;
}

/** The local calendar day of a time. */
export function dayOf(at: string): string {
  const d = new Date(at);
  return `${d.getFullYear()}-${d.getMonth() + 1}-${d.getDate()}`;
}
