import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message } from "@parley/client";
import { buildRows } from "../src/list/rows";
import type { Row } from "../src/list/rows";
import type { Pending } from "@parley/client/state";
import { message } from "../../clients/typescript/test/make";

function at(minutes: number, day = 2): string {
  return new Date(2026, 0, day, 10, minutes).toISOString();
}

function rows(list: Message[], over: { divider?: number | null; pending?: Pending[]; moreBefore?: boolean; moreAfter?: boolean } = {}): Row[] {
  return buildRows({
    window: { messages: list, moreBefore: over.moreBefore ?? false, moreAfter: over.moreAfter ?? false },
    pending: over.pending ?? [],
    divider: over.divider ?? null,
    me: "u1",
  });
}

function shape(list: Row[]): string[] {
  return list.map((r) => (r.kind === "message" ? (r.grouped ? "grouped" : "message") : r.kind));
}

test("messages of one author within five minutes are one group", () => {
  const list = [
    message("c", 1, { created_at: at(0) }),
    message("c", 2, { created_at: at(4) }),
    message("c", 3, { created_at: at(10) }),
    message("c", 4, { created_at: at(10), author: "u3" }),
  ];
  assert.deepEqual(shape(rows(list)), ["start", "day", "message", "grouped", "message", "message"]);
});

test("what is shown does not change when older messages are put in front", () => {
  const all = Array.from({ length: 6 }, (_, i) => message("c", i + 1, { created_at: at(0) }));
  const later = rows(all.slice(3), { moreBefore: true, divider: 2 }).slice(1);
  const earlier = rows(all, { divider: 2 });
  assert.deepEqual(later.map((r) => r.key), ["m:c-5", "m:c-6"]);
  assert.deepEqual(later, earlier.slice(-2));
});

test("a new day gets a divider and breaks a group", () => {
  const list = [message("c", 1, { created_at: new Date(2026, 0, 2, 23, 59).toISOString() }), message("c", 2, { created_at: new Date(2026, 0, 3, 0, 1).toISOString() })];
  assert.deepEqual(shape(rows(list)), ["start", "day", "message", "day", "message"]);
});

test("the New divider stands before the first unread message of somebody else", () => {
  const list = [
    message("c", 1, { created_at: at(0) }),
    message("c", 2, { created_at: at(0), author: "u1" }),
    message("c", 3, { created_at: at(0) }),
    message("c", 4, { created_at: at(0) }),
  ];
  assert.deepEqual(shape(rows(list, { divider: 2 })), ["start", "day", "message", "message", "new", "message", "grouped"]);
});

test("a deleted message stands alone", () => {
  const list = [message("c", 1, { created_at: at(0) }), message("c", 2, { created_at: at(0), deleted_at: at(1) }), message("c", 3, { created_at: at(0) })];
  assert.deepEqual(shape(rows(list)), ["start", "day", "message", "message", "message"]);
});

test("pending messages come last, and not at all while newer history is missing", () => {
  const pending = [{ client_msg_id: "k1", channel: "c", text: "x", created_at: at(1) }];
  const list = [message("c", 1, { created_at: at(0) })];
  assert.equal(rows(list, { pending }).at(-1)?.kind, "pending");
  assert.equal(rows(list, { pending, moreAfter: true }).at(-1)?.kind, "newer");
});

test("one's own message keeps its key when it is acknowledged", () => {
  const pending = [{ client_msg_id: "k1", channel: "c", text: "x", created_at: at(0) }];
  const before = rows([], { pending }).at(-1);
  const after = rows([message("c", 1, { author: "u1", client_msg_id: "k1", created_at: at(0) })]).at(-1);
  assert.equal(before?.key, after?.key);
});

test("keys are unique, whatever ids other authors choose", () => {
  const list = [message("c", 1, { client_msg_id: "k", author: "u2" }), message("c", 2, { client_msg_id: "k", author: "u3" }), message("c", 3, { client_msg_id: "k", author: "u1" })];
  const keys = rows(list).map((r) => r.key);
  assert.equal(new Set(keys).size, keys.length);
});

test("messages of a program that is shown as others are not one group", () => {
  const list = [
    message("c", 1, { created_at: at(0), author: "u9", as: { name: "Deploys" } }),
    message("c", 2, { created_at: at(1), author: "u9", as: { name: "Deploys" } }),
    message("c", 3, { created_at: at(1), author: "u9", as: { name: "Alerts" } }),
    message("c", 4, { created_at: at(1), author: "u9", as: { name: "Alerts", icon: "🔥" } }),
    message("c", 5, { created_at: at(1), author: "u9" }),
  ];
  assert.deepEqual(shape(rows(list)), ["start", "day", "message", "grouped", "message", "message", "message"]);
});
