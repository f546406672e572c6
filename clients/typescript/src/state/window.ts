// Pure operations on the loaded part of a channel's history. Message numbers are contiguous over a channel, which is how
// a window knows whether it still reaches the end.

import type { Message } from "../generated/protocol.js";
import type { Window } from "./types.js";

/** Beyond this many messages the far end is let go; it is fetched again when someone scrolls there. */
export const WINDOW_MAX = 800;

export interface Page {
  messages: readonly Message[];
  more_before: boolean;
  more_after: boolean;
}

export function lastNo(window: Window): number {
  return window.messages.at(-1)?.msg_no ?? 0;
}

/** A window made of one page. `topNo` is the newest message number heard of. */
export function fromPage(page: Page, topNo: number): Window {
  const window = {
    messages: page.messages,
    moreBefore: page.more_before,
    moreAfter: page.more_after,
  };
  return reachesEnd(window, topNo);
}

export function withOlder(window: Window, page: Page): Window {
  const first = window.messages[0];
  const older = first === undefined ? page.messages : page.messages.filter((m) => m.seq < first.seq);
  const messages = [...older, ...window.messages];
  if (messages.length <= WINDOW_MAX) return { ...window, messages, moreBefore: page.more_before };
  return { messages: messages.slice(0, WINDOW_MAX), moreBefore: page.more_before, moreAfter: true };
}

export function withNewer(window: Window, page: Page, topNo: number): Window {
  const last = window.messages.at(-1);
  const newer = last === undefined ? page.messages : page.messages.filter((m) => m.seq > last.seq);
  const messages = [...window.messages, ...newer];
  const over = Math.max(0, messages.length - WINDOW_MAX);
  return reachesEnd(
    {
      messages: over > 0 ? messages.slice(over) : messages,
      moreBefore: window.moreBefore || over > 0,
      moreAfter: page.more_after,
    },
    topNo,
  );
}

/**
 * Puts a new message at the end when it is the next one. When it is not, or when a full window must not move under a
 * reader, the window stays and says that there is more after it.
 */
export function append(window: Window, message: Message, following: boolean): Window {
  const last = lastNo(window);
  if (message.msg_no <= last) return replace(window, message);
  if (window.moreAfter) return window;
  if (message.msg_no !== last + 1) return { ...window, moreAfter: true };
  if (window.messages.length < WINDOW_MAX) return { ...window, messages: [...window.messages, message] };
  if (!following) return { ...window, moreAfter: true };
  return { ...window, messages: [...window.messages.slice(1), message], moreBefore: true };
}

/** Swaps a message for its newer version; an older version, or one that is not loaded, changes nothing. */
export function replace(window: Window, message: Message): Window {
  const at = find(window.messages, message.seq);
  const old = at < 0 ? undefined : window.messages[at];
  if (old === undefined || !isNewer(message, old)) return window;
  const messages = window.messages.slice();
  // A tombstone comes without the sender's id; the row that shows it is still the same.
  messages[at] = old.client_msg_id === undefined ? message : { ...message, client_msg_id: old.client_msg_id };
  return { ...window, messages };
}

function isNewer(next: Message, old: Message): boolean {
  if (next.id !== old.id || old.deleted_at !== undefined) return false;
  if (next.deleted_at !== undefined) return true;
  return next.edited_at !== undefined && (old.edited_at === undefined || next.edited_at > old.edited_at);
}

/** The index of the message with this seq, or -1. */
function find(messages: readonly Message[], seq: number): number {
  let low = 0;
  let high = messages.length - 1;
  while (low <= high) {
    const mid = (low + high) >> 1;
    const at = messages[mid]?.seq ?? 0;
    if (at === seq) return mid;
    if (at < seq) low = mid + 1;
    else high = mid - 1;
  }
  return -1;
}

function reachesEnd(window: Window, topNo: number): Window {
  return lastNo(window) < topNo ? { ...window, moreAfter: true } : window;
}
