import assert from "node:assert/strict";
import { test } from "node:test";
import type { AnyEvent, Message } from "../src/generated/protocol.js";
import { reduce } from "../src/state/reducer.js";
import type { Action } from "../src/state/reducer.js";
import { badge } from "../src/state/selectors.js";
import { EMPTY } from "../src/state/types.js";
import type { State } from "../src/state/types.js";
import { AT, created, message, messages, session, user, view } from "./make.js";

function run(state: State, ...actions: Action[]): State {
  return actions.reduce(reduce, state);
}

function event(e: AnyEvent, now = 0): Action {
  return { type: "event", event: e, now };
}

function loaded(channel: string, list: Message[], over: { before?: boolean; after?: boolean } = {}): Action {
  return {
    type: "history/loaded",
    channel,
    page: { messages: list, more_before: over.before ?? false, more_after: over.after ?? false },
    users: [user("u2")],
  };
}

function start(over = {}): State {
  const c1 = view("c1", { seq: 20, msg_no: 10, last_read_seq: 20, ...over });
  return run(
    EMPTY,
    { type: "session/started", session: session([c1, view("c2")]), dropped: [] },
    loaded("c1", messages("c1", 1, 10)),
  );
}

function numbers(state: State, channel = "c1"): number[] {
  return state.channels[channel]!.window!.messages.map((m) => m.msg_no);
}

test("a new message goes to the end and counts as unread", () => {
  const state = run(start(), event(created(message("c1", 11))));
  assert.equal(numbers(state).at(-1), 11);
  assert.equal(state.channels.c1!.view.unread, 1);
  assert.equal(state.channels.c1!.view.mentions, 0);
});

test("a mention of the reader counts as one", () => {
  const state = run(start(), event(created(message("c1", 11, { mentions: ["u1"] }))));
  assert.equal(state.channels.c1!.view.mentions, 1);
  assert.equal(badge(state.channels.c1!), 1);
});

test("one's own message is read by an author who had read the rest, and moves nobody past what was not read", () => {
  const own = event(created(message("c1", 11, { author: "u1" })));
  const upToDate = run(start(), own).channels.c1!.view;
  assert.deepEqual([upToDate.unread, upToDate.last_read_seq], [0, 22]);
  const behind = run(start({ last_read_seq: 14, unread: 3 }), own).channels.c1!.view;
  assert.deepEqual([behind.unread, behind.last_read_seq], [4, 14]);
});

test("a replayed message that the session's answer counted already is not counted twice", () => {
  const again = { type: "session/started", session: session([view("c1", { seq: 24, msg_no: 12, last_read_seq: 20, unread: 2 })]), dropped: [] } as const;
  const state = run(start(), again, event(created(message("c1", 11))), event(created(message("c1", 12))));
  assert.equal(state.channels.c1!.view.unread, 2);
  assert.deepEqual(numbers(state).slice(-2), [11, 12]);
});

test("the same message twice is one row", () => {
  const m = message("c1", 11);
  const state = run(start(), event(created(m)), event(created(m)));
  assert.equal(numbers(state).filter((n) => n === 11).length, 1);
});

test("a message that is not the next one leaves a mark instead of a hole", () => {
  const state = run(start(), event(created(message("c1", 13))));
  assert.equal(numbers(state).at(-1), 10);
  assert.equal(state.channels.c1!.window!.moreAfter, true);
  const filled = run(state, {
    type: "history/newer",
    channel: "c1",
    after: 20,
    page: { messages: messages("c1", 11, 13), more_before: true, more_after: false },
    users: [],
  });
  assert.deepEqual(numbers(filled).slice(-3), [11, 12, 13]);
  assert.equal(filled.channels.c1!.window!.moreAfter, false);
});

test("history that is older than a message heard of meanwhile says that there is more", () => {
  let state = run(EMPTY, { type: "session/started", session: session([view("c1", { seq: 20, msg_no: 10 })]), dropped: [] });
  state = run(state, event(created(message("c1", 11))), loaded("c1", messages("c1", 1, 10)));
  assert.equal(state.channels.c1!.window!.moreAfter, true);
});

test("history that is newer than the events does not keep the events from counting", () => {
  let state = run(EMPTY, { type: "session/started", session: session([view("c1", { seq: 20, msg_no: 10, last_read_seq: 20 })]), dropped: [] });
  state = run(state, loaded("c1", messages("c1", 1, 11)), event(created(message("c1", 11))));
  assert.equal(state.channels.c1!.view.unread, 1);
  assert.deepEqual(numbers(state), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

test("an edit changes the text, and an older edit that is replayed does not change it back", () => {
  const edit = (text: string, at: string): AnyEvent => {
    const m = message("c1", 5, { text, edited_at: at });
    return { method: "message.updated", params: { stream: "c:c1", epoch: "e1", seq: 30, at: AT, actor: "u2", message: m } };
  };
  const state = run(start(), event(edit("two", "2026-01-02T10:00:02.000Z")), event(edit("one", "2026-01-02T10:00:01.000Z")));
  assert.equal(state.channels.c1!.window!.messages[4]!.text, "two");
});

test("a deleted message becomes a tombstone in its place, and stays one", () => {
  const gone = message("c1", 5, { deleted_at: AT });
  delete gone.text;
  const remove: AnyEvent = { method: "message.deleted", params: { stream: "c:c1", epoch: "e1", seq: 31, at: AT, actor: "u2", message: gone } };
  const late: AnyEvent = { method: "message.updated", params: { stream: "c:c1", epoch: "e1", seq: 30, at: AT, actor: "u2", message: message("c1", 5, { text: "x", edited_at: AT }) } };
  const state = run(start(), event(remove), event(late));
  const m = state.channels.c1!.window!.messages[4]!;
  assert.equal(m.deleted_at, AT);
  assert.equal(m.text, undefined);
  assert.equal(numbers(state).length, 10);
});

test("a pending message gives way to its acknowledgement, and the event behind it adds nothing", () => {
  const pending = { client_msg_id: "k1", channel: "c1", text: "hi", created_at: AT };
  const mine = message("c1", 11, { author: "u1", client_msg_id: "k1", text: "hi" });
  let state = run(start(), { type: "pending/put", pending });
  assert.equal(state.channels.c1!.pending.length, 1);
  state = run(state, { type: "message/acked", client_msg_id: "k1", message: mine });
  assert.equal(state.channels.c1!.pending.length, 0);
  state = run(state, event(created(mine)));
  assert.equal(numbers(state).filter((n) => n === 11).length, 1);
});

test("an acknowledgement that overtakes others' messages waits for its place", () => {
  const pending = { client_msg_id: "k1", channel: "c1", text: "hi", created_at: AT };
  const mine = message("c1", 12, { author: "u1", client_msg_id: "k1" });
  let state = run(start(), { type: "pending/put", pending }, { type: "message/acked", client_msg_id: "k1", message: mine });
  assert.equal(state.channels.c1!.pending.length, 1);
  state = run(state, event(created(message("c1", 11))), event(created(mine)));
  assert.deepEqual(numbers(state).slice(-2), [11, 12]);
  assert.equal(state.channels.c1!.pending.length, 0);
});

test("a message sent before a reload is recognised in the history", () => {
  const pending = { client_msg_id: "k1", channel: "c1", text: "hi", created_at: AT };
  const mine = message("c1", 11, { author: "u1", client_msg_id: "k1" });
  const state = run(start(), { type: "pending/put", pending }, loaded("c1", [...messages("c1", 1, 10), mine]));
  assert.equal(state.channels.c1!.pending.length, 0);
});

test("a failed message keeps its place and its reason", () => {
  const pending = { client_msg_id: "k1", channel: "c1", text: "hi", created_at: AT };
  const state = run(start(), { type: "pending/put", pending }, { type: "pending/put", pending: { ...pending, failed: "no" } });
  assert.deepEqual(state.channels.c1!.pending.map((p) => p.failed), ["no"]);
});

test("older history is put in front only of the window it was asked for", () => {
  const asked: Action = {
    type: "history/older",
    channel: "c1",
    before: 42,
    page: { messages: messages("c1", 1, 20), more_before: false, more_after: true },
    users: [],
  };
  let state = run(EMPTY, { type: "session/started", session: session([view("c1", { msg_no: 30, seq: 60 })]), dropped: [] });
  state = run(state, loaded("c1", messages("c1", 21, 30), { before: true }));
  assert.equal(numbers(run(state, asked)).length, 30);
  const replaced = run(state, loaded("c1", messages("c1", 5, 8), { before: true, after: true }));
  assert.equal(numbers(run(replaced, asked)).length, 4);
});

test("a dropped stream forgets its messages but not what waits to be sent", () => {
  const pending = { client_msg_id: "k1", channel: "c1", text: "hi", created_at: AT };
  const state = run(
    start(),
    { type: "pending/put", pending },
    { type: "session/started", session: session([view("c1"), view("c2")]), dropped: ["c:c1"] },
  );
  assert.equal(state.channels.c1!.window, null);
  assert.equal(state.channels.c1!.pending.length, 1);
});

test("a channel that the new session does not name is gone, and is no longer the current one", () => {
  const state = run(start(), { type: "channel/opened", channel: "c1" }, { type: "session/started", session: session([view("c2")]), dropped: [] });
  assert.equal(state.channels.c1, undefined);
  assert.equal(state.current, null);
});

test("a replayed leave does not undo a join that the session knows of", () => {
  const joined = session([view("c1")], { "u:u1": { epoch: "e1", seq: 7, resumed: true } });
  const left: AnyEvent = { method: "channel.left", params: { stream: "u:u1", epoch: "e1", seq: 6, at: AT, actor: "u1", channel: { id: "c1" } } };
  const state = run(EMPTY, { type: "session/started", session: joined, dropped: [] }, event(left));
  assert.ok(state.channels.c1);
});

test("joining and leaving change the channels live", () => {
  const joined: AnyEvent = { method: "channel.joined", params: { stream: "u:u1", epoch: "e1", seq: 1, at: AT, actor: "u1", channel: view("c9") } };
  const left: AnyEvent = { method: "channel.left", params: { stream: "u:u1", epoch: "e1", seq: 2, at: AT, actor: "u2", channel: { id: "c9" } } };
  const state = run(start(), event(joined));
  assert.ok(state.channels.c9);
  assert.equal(run(state, event(left)).channels.c9, undefined);
});

test("members are counted as they come and go, oneself only once", () => {
  const member = (method: "member.joined" | "member.left", id: string, seq: number): AnyEvent => ({
    method,
    params: { stream: "c:c1", epoch: "e1", seq, at: AT, actor: id, user: user(id), role: "member" },
  });
  const state = run(start(), event(member("member.joined", "u3", 21)), event(member("member.joined", "u1", 22)), event(member("member.left", "u3", 23)));
  assert.equal(state.channels.c1!.view.members, 2);
  assert.equal(state.users.u3!.name, "u3");
});

test("a read position from another device is taken over and never goes back", () => {
  const read = (seq: number, unread: number): AnyEvent => ({ method: "read.updated", params: { channel: "c1", last_read_seq: seq, unread, mentions: 0 } });
  const state = run(start({ last_read_seq: 4, unread: 8 }), event(read(20, 0)), event(read(10, 5)));
  assert.equal(state.channels.c1!.view.last_read_seq, 20);
  assert.equal(state.channels.c1!.view.unread, 0);
});

test("opening a channel with unread messages sets the divider, leaving takes it away", () => {
  let state = run(start({ last_read_seq: 14, unread: 3 }), { type: "channel/opened", channel: "c1" });
  assert.equal(state.channels.c1!.divider, 14);
  state = run(state, { type: "channel/opened", channel: "c2" });
  assert.equal(state.channels.c1!.divider, null);
});

test("who types is shown until time or a message ends it", () => {
  const typing: AnyEvent = { method: "typing", params: { channel: "c1", user: "u2" } };
  const state = run(start(), event(typing, 1_000));
  assert.deepEqual(Object.keys(state.channels.c1!.typing), ["u2"]);
  assert.deepEqual(Object.keys(run(state, { type: "typing/expired", now: 6_999 }).channels.c1!.typing), ["u2"]);
  assert.deepEqual(run(state, { type: "typing/expired", now: 7_000 }).channels.c1!.typing, {});
  assert.deepEqual(run(state, event(created(message("c1", 11)), 1_500)).channels.c1!.typing, {});
  const own: AnyEvent = { method: "typing", params: { channel: "c1", user: "u1" } };
  assert.deepEqual(run(start(), event(own)).channels.c1!.typing, {});
});

test("what an action does not touch stays the same object", () => {
  const before = start();
  const after = run(before, event(created(message("c1", 11))));
  assert.equal(after.channels.c2, before.channels.c2);
  assert.equal(after.users, before.users);
  assert.equal(run(before, { type: "typing/expired", now: 1 }), before);
});

test("an unknown event changes nothing", () => {
  const before = start();
  const strange = { method: "reaction.added", params: { stream: "c:c1", epoch: "e1", seq: 21 } } as unknown as AnyEvent;
  assert.equal(run(before, event(strange)), before);
});
