import assert from "node:assert/strict";
import { test } from "node:test";
import type { Window } from "../src/state/types.js";
import { append, WINDOW_MAX, withNewer, withOlder } from "../src/state/window.js";
import { message, messages } from "./make.js";

function full(from: number, over: Partial<Window> = {}): Window {
  return { messages: messages("c", from, from + WINDOW_MAX - 1), moreBefore: true, moreAfter: false, ...over };
}

test("scrolling up a full window lets its end go", () => {
  const window = withOlder(full(1_001), { messages: messages("c", 901, 1_000), more_before: true, more_after: true });
  assert.equal(window.messages.length, WINDOW_MAX);
  assert.equal(window.messages[0]?.msg_no, 901);
  assert.equal(window.moreAfter, true);
});

test("scrolling down a full window lets its beginning go", () => {
  const before = full(1, { moreBefore: false, moreAfter: true });
  const page = { messages: messages("c", WINDOW_MAX + 1, WINDOW_MAX + 60), more_before: true, more_after: false };
  const window = withNewer(before, page, WINDOW_MAX + 60);
  assert.equal(window.messages.length, WINDOW_MAX);
  assert.equal(window.messages.at(-1)?.msg_no, WINDOW_MAX + 60);
  assert.equal(window.moreBefore, true);
  assert.equal(window.moreAfter, false);
});

test("a full window follows the end for a reader at the end, and stands still for one who is not", () => {
  const next = message("c", WINDOW_MAX + 1);
  const follows = append(full(1), next, true);
  assert.equal(follows.messages.length, WINDOW_MAX);
  assert.equal(follows.messages.at(-1), next);
  const stands = append(full(1), next, false);
  assert.equal(stands.messages[0]?.msg_no, 1);
  assert.equal(stands.moreAfter, true);
});

test("100,000 messages scrolled through never hold more than the window's worth", () => {
  let window: Window = { messages: messages("c", 99_951, 100_000), moreBefore: true, moreAfter: false };
  for (let first = 99_951; first > 1; first -= 50) {
    window = withOlder(window, { messages: messages("c", first - 50, first - 1), more_before: first > 51, more_after: true });
    assert.ok(window.messages.length <= WINDOW_MAX);
  }
  assert.equal(window.messages[0]?.msg_no, 1);
  assert.equal(window.moreBefore, false);
});
