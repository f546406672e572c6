import assert from "node:assert/strict";
import { test } from "node:test";
import type { AnyEvent, SessionStarted, Stream } from "../src/generated/protocol.js";
import { Connection } from "../src/connection.js";
import type { SignOutReason, Socket, Status } from "../src/connection.js";
import { CallError } from "../src/errors.js";
import { Clock, settle } from "./clock.js";
import { AT, created, message, session, view } from "./make.js";

interface Request {
  id: number;
  method: string;
  params: Record<string, unknown>;
}

class FakeSocket implements Socket {
  sent: Request[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;

  send(data: string): void {
    this.sent.push(JSON.parse(data) as Request);
  }
  close(): void {
    this.closed = true;
  }
  last(method: string): Request {
    const found = this.sent.filter((r) => r.method === method).at(-1);
    assert.ok(found, `no ${method} was sent`);
    return found;
  }
  answer(method: string, result: unknown): void {
    this.onmessage?.({ data: JSON.stringify({ jsonrpc: "2.0", id: this.last(method).id, result }) });
  }
  refuse(method: string, type: string): void {
    const error = { code: -1, message: type, data: { type } };
    this.onmessage?.({ data: JSON.stringify({ jsonrpc: "2.0", id: this.last(method).id, error }) });
  }
  event(event: AnyEvent): void {
    this.onmessage?.({ data: JSON.stringify({ jsonrpc: "2.0", ...event }) });
  }
}

class Rig {
  clock = new Clock();
  sockets: FakeSocket[] = [];
  statuses: Status[] = [];
  events: AnyEvent[] = [];
  resyncs: Stream[] = [];
  starts: { session: SessionStarted; dropped: Stream[] }[] = [];
  signedOut: SignOutReason[] = [];
  cookieGood = true;
  token: string | undefined;
  refuseToOpen = false;
  connection = new Connection(
    {
      open: () => {
        if (this.refuseToOpen) throw new Error("not here");
        const socket = new FakeSocket();
        this.sockets.push(socket);
        return socket;
      },
      token: () => this.token,
      now: () => this.clock.now(),
      random: () => 0.5,
      later: (ms, run) => this.clock.later(ms, run),
      stillSignedIn: () => Promise.resolve(this.cookieGood),
    },
    {
      status: (s) => this.statuses.push(s),
      started: (s, dropped) => this.starts.push({ session: s, dropped }),
      event: (e) => this.events.push(e),
      resync: (s) => this.resyncs.push(s),
      signedOut: (r) => this.signedOut.push(r),
    },
  );

  get socket(): FakeSocket {
    return this.sockets.at(-1)!;
  }

  online(started = session([view("c1", { seq: 10 })])): void {
    this.connection.start();
    this.socket.onopen?.();
    this.socket.answer("session.start", started);
  }

  seqs(): number[] {
    return this.events.map((e) => (e.params as { seq: number }).seq);
  }
}

function why(status: Status): string {
  return status.kind === "waiting" ? status.why : status.kind;
}

function at(seq: number): AnyEvent {
  return created(message("c1", seq, { seq }), seq);
}

test("the first session names no stream and takes its positions from the answer", () => {
  const rig = new Rig();
  rig.online();
  assert.deepEqual(rig.socket.sent[0]?.params, { streams: {} });
  assert.deepEqual(rig.connection.tracker.get("c:c1"), { epoch: "e1", seq: 10 });
  assert.equal(rig.connection.online, true);
});

test("an event right behind the answer finds the session in place", () => {
  const rig = new Rig();
  rig.online();
  rig.socket.event(at(11));
  assert.equal(rig.starts.length, 1);
  assert.deepEqual(rig.seqs(), [11]);
});

test("an event that was applied before is not applied twice", () => {
  const rig = new Rig();
  rig.online();
  for (const seq of [11, 11, 10, 12]) rig.socket.event(at(seq));
  assert.deepEqual(rig.seqs(), [11, 12]);
});

test("a reconnect resumes from the last event of every stream", async () => {
  const rig = new Rig();
  rig.online();
  rig.socket.event(at(11));
  rig.socket.onclose?.({ code: 1006, reason: "" });
  await rig.clock.advance(1_000);
  rig.socket.onopen?.();
  assert.deepEqual(rig.socket.last("session.start").params, {
    streams: { "c:c1": { epoch: "e1", seq: 11 }, "u:u1": { epoch: "e1", seq: 0 } },
  });
});

test("a resumed stream goes on from its own position up to the cut and beyond", async () => {
  const rig = new Rig();
  rig.online();
  rig.socket.onclose?.({ code: 1006, reason: "" });
  await rig.clock.advance(1_000);
  rig.online(session([view("c1", { seq: 13 })]));
  for (const seq of [11, 12, 13, 14]) rig.socket.event(at(seq));
  assert.deepEqual(rig.seqs(), [11, 12, 13, 14]);
  assert.deepEqual(rig.starts.at(-1)?.dropped, []);
});

test("a stream that cannot be resumed is reported as dropped and starts at the cut", async () => {
  const rig = new Rig();
  rig.online();
  rig.socket.onclose?.({ code: 1006, reason: "" });
  await rig.clock.advance(1_000);
  rig.socket.onopen?.();
  rig.socket.answer("session.start", session([view("c1", { epoch: "e2", seq: 3, resumed: false })]));
  assert.deepEqual(rig.starts.at(-1)?.dropped, ["c:c1"]);
  assert.deepEqual(rig.connection.tracker.get("c:c1"), { epoch: "e2", seq: 3 });
});

test("a gap is filled before the event behind it is let through", async () => {
  const rig = new Rig();
  rig.online();
  rig.socket.event(at(13));
  rig.socket.event(at(14));
  assert.deepEqual(rig.seqs(), []);
  assert.deepEqual(rig.socket.last("stream.events").params, { stream: "c:c1", epoch: "e1", after: 10, limit: 200 });
  rig.socket.answer("stream.events", { events: [at(11), at(12), at(13)], epoch: "e1", seq: 14 });
  await settle();
  assert.deepEqual(rig.seqs(), [11, 12, 13, 14]);
});

test("a gap in one stream does not hold up another", () => {
  const rig = new Rig();
  rig.online(session([view("c1", { seq: 10 }), view("c2", { seq: 5 })]));
  rig.socket.event(at(13));
  rig.socket.event(created(message("c2", 6, { seq: 6 })));
  assert.deepEqual(rig.seqs(), [6]);
});

test("a gap that cannot be filled is a resync, and later events go on", async () => {
  const rig = new Rig();
  rig.online();
  rig.socket.event(at(13));
  rig.socket.refuse("stream.events", "gone");
  await settle();
  assert.deepEqual(rig.resyncs, ["c:c1"]);
  rig.socket.event(at(14));
  assert.deepEqual(rig.seqs(), [14]);
});

test("another epoch is a resync", () => {
  const rig = new Rig();
  rig.online();
  const event = at(3);
  (event.params as { epoch: string }).epoch = "e2";
  rig.socket.event(event);
  assert.deepEqual(rig.resyncs, ["c:c1"]);
  assert.deepEqual(rig.connection.tracker.get("c:c1"), { epoch: "e2", seq: 3 });
});

test("joining a channel starts its stream where the join's view says", () => {
  const rig = new Rig();
  rig.online();
  rig.socket.event({
    method: "channel.joined",
    params: { stream: "u:u1", epoch: "e1", seq: 1, at: AT, actor: "u1", channel: view("c9", { seq: 40 }) },
  });
  rig.socket.event(created(message("c9", 40, { seq: 40 })));
  rig.socket.event(created(message("c9", 41, { seq: 41 })));
  assert.deepEqual(rig.seqs(), [1, 41]);
});

test("leaving a channel forgets its stream", () => {
  const rig = new Rig();
  rig.online();
  rig.socket.event({
    method: "channel.left",
    params: { stream: "u:u1", epoch: "e1", seq: 1, at: AT, actor: "u1", channel: { id: "c1" } },
  });
  assert.equal(rig.connection.tracker.get("c:c1"), undefined);
});

test("calls in flight fail as disconnected when the connection goes", async () => {
  const rig = new Rig();
  rig.online();
  const call = rig.connection.call("typing.start", { channel: "c1" });
  rig.socket.onclose?.({ code: 1006, reason: "" });
  await assert.rejects(call, (e: unknown) => e instanceof CallError && e.disconnected);
});

test("attempts back off with growing delays and start over after a success", async () => {
  const rig = new Rig();
  rig.online();
  const delays: number[] = [];
  rig.socket.onclose?.({ code: 1006, reason: "" });
  for (let i = 0; i < 8; i += 1) {
    const status = rig.connection.status;
    assert.ok(status.kind === "waiting");
    delays.push(status.until - rig.clock.now());
    await rig.clock.advance(status.until - rig.clock.now());
    rig.socket.onclose?.({ code: 1006, reason: "" });
  }
  assert.deepEqual(delays, [375, 750, 1500, 3000, 6000, 11250, 11250, 11250]);
  rig.connection.nudge();
  rig.socket.onopen?.();
  rig.socket.answer("session.start", session([]));
  rig.socket.onclose?.({ code: 1006, reason: "" });
  const status = rig.connection.status;
  assert.ok(status.kind === "waiting" && status.until - rig.clock.now() === 375);
});

test("a draining server is given the time it asked for", () => {
  const rig = new Rig();
  rig.online();
  rig.socket.event({ method: "server.draining", params: { reconnect_after_ms: 4_000 } });
  rig.socket.onclose?.({ code: 4000, reason: "draining" });
  const status = rig.connection.status;
  assert.ok(status.kind === "waiting");
  assert.equal(status.why, "draining");
  assert.equal(status.until - rig.clock.now(), 4_000);
});

test("a server that said it would go is restarting until it is back, however often it does not answer", async () => {
  const rig = new Rig();
  rig.online();
  rig.socket.event({ method: "server.draining", params: { reconnect_after_ms: 100 } });
  rig.socket.onclose?.({ code: 1006, reason: "" });
  await rig.clock.advance(1_000);
  rig.socket.onclose?.({ code: 1006, reason: "" });
  assert.equal(why(rig.connection.status), "draining");
  rig.connection.nudge();
  rig.socket.onopen?.();
  rig.socket.answer("session.start", session([]));
  rig.socket.onclose?.({ code: 1006, reason: "" });
  assert.equal(why(rig.connection.status), "lost");
});

test("a close for going too fast waits at least five seconds", () => {
  const rig = new Rig();
  rig.online();
  rig.socket.onclose?.({ code: 4008, reason: "rate limited" });
  const status = rig.connection.status;
  assert.ok(status.kind === "waiting" && status.why === "limited" && status.until - rig.clock.now() >= 5_000);
});

test("a slow consumer comes back at once", () => {
  const rig = new Rig();
  rig.online();
  rig.socket.onclose?.({ code: 4009, reason: "slow consumer" });
  const status = rig.connection.status;
  assert.ok(status.kind === "waiting" && status.until - rig.clock.now() <= 500);
});

test("revoked and unauthenticated closes end the session for good", async () => {
  for (const [code, reason] of [
    [4002, "revoked"],
    [4001, "unauthenticated"],
  ] as const) {
    const rig = new Rig();
    rig.online();
    rig.socket.onclose?.({ code, reason: "" });
    assert.deepEqual(rig.signedOut, [reason]);
    await rig.clock.advance(60_000);
    assert.equal(rig.sockets.length, 1);
  }
});

test("the revoked event alone is enough", () => {
  const rig = new Rig();
  rig.online();
  rig.socket.event({ method: "session.revoked", params: {} } as unknown as AnyEvent);
  assert.deepEqual(rig.signedOut, ["revoked"]);
});

test("a refused session.start signs out", async () => {
  const rig = new Rig();
  rig.connection.start();
  rig.socket.onopen?.();
  rig.socket.refuse("session.start", "unauthenticated");
  await settle();
  assert.deepEqual(rig.signedOut, ["unauthenticated"]);
});

test("handshakes that never open make it ask whether the cookie is still good", async () => {
  const rig = new Rig();
  rig.cookieGood = false;
  rig.connection.start();
  rig.socket.onclose?.({ code: 1006, reason: "" });
  assert.deepEqual(rig.signedOut, []);
  await rig.clock.advance(1_000);
  rig.socket.onclose?.({ code: 1006, reason: "" });
  await settle();
  assert.deepEqual(rig.signedOut, ["unauthenticated"]);
});

test("a quiet connection is probed, and one that does not answer is given up", async () => {
  const rig = new Rig();
  rig.online();
  await rig.clock.advance(25_000);
  assert.equal(rig.socket.last("server.info").method, "server.info");
  await rig.clock.advance(8_000);
  assert.equal(rig.sockets[0]?.closed, true);
  assert.equal(rig.connection.status.kind, "waiting");
});

test("a probe that is answered keeps the connection", async () => {
  const rig = new Rig();
  rig.online();
  await rig.clock.advance(25_000);
  rig.socket.answer("server.info", {});
  await rig.clock.advance(20_000);
  assert.equal(rig.connection.online, true);
});

test("a request that is larger than a frame may be is refused here, and the connection stays", async () => {
  const rig = new Rig();
  rig.online();
  const text = "\u0001".repeat(16_384);
  await assert.rejects(
    rig.connection.call("message.send", { channel: "c1", text }),
    (e: unknown) => e instanceof CallError && e.type === "too_large" && !e.disconnected,
  );
  assert.equal(rig.connection.online, true);
});

test("stopping cancels every timer and forgets the positions", () => {
  const rig = new Rig();
  rig.online();
  rig.connection.stop();
  assert.equal(rig.clock.pending, 0);
  assert.deepEqual(rig.connection.tracker.all(), {});
});

test("a token goes into session.start, a cookie does not need to", () => {
  const rig = new Rig();
  rig.token = "secret";
  rig.online();
  assert.deepEqual(rig.socket.sent[0]?.params, { token: "secret", streams: {} });
});

test("what is not a frame ends the connection, and the next attempt follows", async () => {
  for (const data of ["{", "null", "7"]) {
    const rig = new Rig();
    rig.online();
    rig.socket.onmessage?.({ data });
    assert.equal(why(rig.connection.status), "lost", data);
    await rig.clock.advance(1_000);
    assert.equal(rig.sockets.length, 2);
  }
});

test("a socket that cannot even be made is tried again", async () => {
  const rig = new Rig();
  rig.refuseToOpen = true;
  rig.connection.start();
  assert.equal(why(rig.connection.status), "lost");
  rig.refuseToOpen = false;
  await rig.clock.advance(1_000);
  assert.equal(rig.sockets.length, 1);
});

test("more positions than a frame holds: one's own stream and those that moved last go in, the others start anew", async () => {
  const rig = new Rig();
  const id = (n: number) => `01890a5d-ac96-774b-bcce-b302099a${String(n).padStart(4, "0")}`;
  const views = Array.from({ length: 1_500 }, (_, n) => view(id(n), { seq: 10 }));
  rig.online(session(views));
  rig.socket.event(created(message(id(3), 11, { seq: 11 })));
  rig.socket.onclose?.({ code: 1006, reason: "" });
  await rig.clock.advance(1_000);
  rig.socket.onopen?.();
  const request = rig.socket.last("session.start");
  assert.ok(JSON.stringify(request).length < 65_536);
  const sent = Object.keys(request.params.streams as object);
  assert.ok(sent.length > 700 && sent.length < 1_500, `${sent.length} positions`);
  assert.deepEqual(sent.slice(0, 2), ["u:u1", `c:${id(3)}`]);
  rig.socket.answer(
    "session.start",
    session(views.map((v) => ({ ...v, seq: 20, resumed: sent.includes(`c:${v.id}`) }))),
  );
  assert.equal(rig.starts.at(-1)?.dropped.length, 1_501 - sent.length);
  assert.equal(rig.connection.online, true);
});
