// The checker itself: each kind of mistake that a server could make is told to it, and it must not keep quiet.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Folded, Ledger, Sightings, View, Violation, isSameEvent, judge, judgeHistory, judgeMembers, judgeUnread } from "./checker.mjs";

const EPOCH = "e1";
const ANN = { id: "ann", name: "ann" };
const BOB = { id: "bob", name: "bob" };
const limits = { resume_events: 10 };

const event = (method, seq, more, stream = "c:room") => ({
  method,
  params: { stream, epoch: EPOCH, seq, at: `t${seq}`, actor: "ann", ...more },
});
const joined = (seq, user) => event("member.joined", seq, { user, role: "member" });
const left = (seq, user) => event("member.left", seq, { user, role: "member" });
const message = (seq, no, text, more = {}) => ({
  id: `m${no}`, channel: "room", seq, msg_no: no, author: "ann", text, client_msg_id: `x${no}`, created_at: `t${seq}`, ...more,
});
const created = (seq, no, text) => event("message.created", seq, { message: message(seq, no, text) });

// ann's view, started with the room at SEQ.
function view({ seq = 4, positions = {}, resumed = false, sightings } = {}) {
  const v = new View("device", "ann", sightings);
  v.started(positions, answer({ seq, resumed }));
  return v;
}
const answer = ({ seq, resumed = false, epoch = EPOCH }) => ({
  limits,
  streams: { "u:ann": { epoch: EPOCH, seq: 1, resumed: false } },
  channels: [{ id: "room", epoch, seq, resumed }],
});
const position = (seq, epoch = EPOCH) => ({ "c:room": { epoch, seq } });

describe("a view", () => {
  const rejects = (name, events, what) =>
    test(`does not take ${name}`, () => {
      const v = view();
      assert.throws(() => events.forEach((e) => v.take(e)), (error) => error instanceof Violation && what.test(error.message));
    });
  rejects("a hole", [created(5, 1, "a"), created(7, 2, "b")], /a hole: after 5 came 7/);
  rejects("a repetition", [created(5, 1, "a"), created(5, 1, "a")], /a repetition: after 5 came 5/);
  rejects("another order", [created(6, 2, "b"), created(5, 1, "a")], /a hole/);
  rejects("an event before the cut", [created(4, 1, "a")], /going back/);
  rejects("another epoch", [{ ...created(5, 1, "a"), params: { ...created(5, 1, "a").params, epoch: "e2" } }], /epoch/);
  rejects("an event of somebody else's stream", [event("message.created", 1, {}, "c:private")], /not a stream of this client/);
  rejects("an event after its own leave", [left(5, ANN), created(6, 1, "a")], /not a stream of this client/);
  rejects(
    "a join that does not begin with its event",
    [event("channel.joined", 2, { channel: { id: "new", epoch: EPOCH, seq: 7 } }, "u:ann"), event("x", 8, {}, "c:new")],
    /a hole/,
  );

  test("takes what is allowed: others who leave, its own leave, coming back", () => {
    const v = view();
    for (const e of [
      left(5, BOB),
      left(6, ANN),
      event("channel.joined", 2, { channel: { id: "room", epoch: EPOCH, seq: 9 } }, "u:ann"),
      joined(9, ANN),
      created(10, 1, "a"),
    ]) v.take(e);
    assert.equal(v.streams.get("c:room").at, 10);
  });

  const resumes = (name, positions, row, ok) =>
    test(`${ok ? "takes" : "does not take"} ${name}`, () => {
      const start = () => view().started(positions, answer(row));
      if (ok) start();
      else assert.throws(start, /resumed must be/);
    });
  resumes("resumed for a position that fits", position(3), { seq: 8, resumed: true }, true);
  resumes("resumed:false for a position that fits", position(3), { seq: 8 }, false);
  resumes("resumed for a position that is too old", position(1), { seq: 12, resumed: true }, false);
  resumes("resumed for a position that is just not too old", position(2), { seq: 12, resumed: true }, true);
  resumes("resumed for a position ahead", position(9), { seq: 8, resumed: true }, false);
  resumes("resumed for another epoch", position(3, "old"), { seq: 8, resumed: true }, false);
  resumes("resumed where there was no position", {}, { seq: 8, resumed: true }, false);

  test("does not take live events before the missed ones", () => {
    const v = view({ seq: 8, positions: position(5), resumed: true });
    assert.throws(() => v.take(created(9, 1, "live")), /a hole: after 5 came 9/);
  });

  test("does not take an event that has changed since", () => {
    const v = view();
    v.take(created(5, 1, "a"));
    v.started(position(4), answer({ seq: 5, resumed: true }));
    assert.throws(() => v.take(created(5, 1, "b")), Violation);
  });
});

test("a text may go with its message, and nothing else may", () => {
  const tombstone = (more) => event("message.created", 5, { message: message(5, 1, undefined, { deleted_at: "t9", client_msg_id: undefined, ...more }) });
  assert.ok(isSameEvent(created(5, 1, "a"), tombstone({})));
  assert.ok(!isSameEvent(created(5, 1, "a"), tombstone({ id: "other" })));
  assert.ok(!isSameEvent(created(5, 1, "a"), tombstone({ msg_no: 2 })));
  assert.ok(!isSameEvent(created(5, 1, "a"), created(5, 1, "b")));
  assert.ok(!isSameEvent(tombstone({}), created(5, 1, "a")), "it does not come back");
});

describe("the judgement", () => {
  const log = () => [joined(1, ANN), joined(2, BOB), created(3, 1, "hello"), created(4, 2, "there")];
  function world(events = log()) {
    const ledger = new Ledger();
    for (const [no, text] of [[1, "hello"], [2, "there"]]) {
      ledger.send(`x${no}`, { author: "ann", channel: "room", text, line: "one" });
      ledger.acked(`x${no}`, message(no + 2, no, text));
    }
    const v = view({ seq: 2 });
    for (const e of log().slice(2)) v.take(e);
    return { logs: new Map([["c:room", events]]), views: [v], ledger };
  }
  const condemns = (name, change, what) =>
    test(`finds ${name}`, () => {
      const w = world();
      change(w, w.logs.get("c:room"));
      assert.throws(() => judge(w), (error) => error instanceof Violation && what.test(error.message));
    });

  test("is content with what is right", () => assert.equal(judge(world()).get("c:room").messages.size, 2));
  condemns("an acknowledged message that is lost", (w, l) => (l.pop(), (w.views = [])), /x2 was acknowledged as m2 at 4/);
  condemns("a view that is ahead of the log", (w, l) => l.pop(), /x2 was acknowledged|ends at 3/);
  condemns("a message that is there twice", (w, l) => l.push(created(5, 3, "there")) && (l[4].params.message.client_msg_id = "x2"), /created twice/);
  condemns("a message that nobody sent", (w, l) => l.push(created(5, 3, "?")), /nobody sent/);
  condemns("another text", (w, l) => (l[2] = created(3, 1, "changed")), /was sent as "hello", is "changed"/);
  condemns("another place", (w) => (w.ledger.sends.get("x1").ack.seq = 9), /with seq 9, is 3/);
  condemns(
    "messages of one connection that have changed places",
    (w) => (w.ledger.sends = new Map([...w.ledger.sends].reverse())),
    /x1 was sent after x2 on one connection, but is at 3, before 4/,
  );
  condemns("a hole in the log", (w, l) => l.splice(2, 1), /has 4 in place 3/);
  condemns("a hole in the numbers of messages", (w, l) => (l[3].params.message.msg_no = 3), /msg_no 3, not 2/);
  condemns("a message of a stranger", (w, l) => (l[0] = joined(1, { id: "eve", name: "eve" })), /author is no member/);
  condemns("a second join", (w, l) => l.push(joined(5, BOB)), /bob is a member already/);
  condemns("a second leave", (w, l) => l.push(left(5, BOB), left(6, BOB)), /bob is no member/);
  condemns("a view that differs", (w) => (w.views[0].seen.get("c:room").get(3).params.message.text = "hallo"), /saw in c:room/);
  condemns("a stream that a member does not get", (w) => w.views[0].streams.delete("c:room"), /is a member of c:room, but does not get/);
  condemns("a stream that goes on for who has left", (w, l) => l.push(left(5, ANN)), /is no member of c:room, but gets/);
  condemns("an edit that is lost", (w) => w.ledger.edits.push({ message: "m1", text: "new", acked: true }), /is there 0 times/);
  condemns("an edit that nobody made", (w, l) => l.push(event("message.updated", 5, { message: message(3, 1, "new") })), /nobody edited m1/);
  condemns("a deletion that is lost", (w) => w.ledger.deletes.push({ message: "m1", acked: true }), /deletion of m1 was acknowledged/);
  condemns(
    "a deleted text that stays in the log",
    (w, l) => l.push(event("message.deleted", 5, { message: message(3, 1, undefined, { deleted_at: "t5" }) })),
    /text is still in the log/,
  );
  condemns("a refused message that is there", (w) => Object.assign(w.ledger.sends.get("x1"), { ack: null, refused: "forbidden" }), /refused/);

  test("finds the one of two views that differs, although they share what they saw", () => {
    const sightings = new Sightings();
    const views = ["there", "their"].map((last) => {
      const v = view({ seq: 2, sightings });
      for (const e of [created(3, 1, "hello"), created(4, 2, last)]) v.take(e);
      return v;
    });
    const [one, other] = views.map((v) => v.seen.get("c:room"));
    assert.equal(one.get(3), other.get(3));
    assert.throws(() => judge({ ...world(), views }), /saw in c:room[^]*their[^]*but the log has[^]*there/);
  });

  test("finds that a retry became another message", () => {
    const { ledger } = world();
    assert.throws(() => ledger.acked("x1", message(9, 7, "hello", { id: "m7", client_msg_id: "x1" })), /became two messages/);
  });

  test("finds a history, members and numbers that do not fit the log", () => {
    const f = new Folded("c:room", log());
    const messages = [...f.messages.values()];
    judgeHistory(f, messages, "forwards");
    assert.throws(() => judgeHistory(f, messages.slice(1), "forwards"), /1 messages in the history/);
    assert.throws(() => judgeHistory(f, [...messages].reverse(), "forwards"), /has id "m2"/);
    assert.throws(() => judgeHistory(f, messages.map((m) => ({ ...m, text: "x" })), "forwards"), /has text/);
    judgeMembers(f, [{ user: ANN, role: "member" }, { user: BOB, role: "member" }], 2);
    assert.throws(() => judgeMembers(f, [{ user: ANN, role: "member" }], 1), /channel.members has/);
    assert.throws(() => judgeMembers(f, [{ user: ANN, role: "member" }, { user: BOB, role: "member" }], 3), /counts 3/);
    const row = { id: "room", msg_no: 2, last_read_seq: 3, unread: 1 };
    const ledger = new Ledger();
    judgeUnread(f, BOB, row, ledger);
    assert.throws(() => judgeUnread(f, BOB, { ...row, unread: 2 }, ledger), /1 unread, told 2/);
    assert.throws(() => judgeUnread(f, BOB, { ...row, msg_no: 3 }, ledger), /msg_no/);
    ledger.marked("bob", "room", 4, { last_read_seq: 4 });
    assert.throws(() => judgeUnread(f, BOB, row, ledger), /had read up to 4/);
    assert.throws(() => ledger.marked("bob", "room", 5, { last_read_seq: 4 }), /answered with 4/);
  });
});
