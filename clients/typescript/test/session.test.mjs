// A session over many connections, against a real server: what it hears, and how it comes back.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { CallError, Parley } from "@parley/client";
import WebSocket from "ws";
import { again, client, closeAll, connected, eventually, log, login, must, people, start, tampered, texts } from "./lib.mjs";

const ENV = { PARLEY_RATE_LIMITS: "off", PARLEY_RESUME_EVENTS: "50" };
let server;
let ann;
let bob;
let rooms = 0;

before(async () => {
  server = await start({ env: ENV });
  ({ ann, bob } = await people(server.url, "ann", "bob"));
});
after(() => server.stop());
afterEach(closeAll);

/** A channel that both are in. */
async function room() {
  const { channel } = await must(server.url, "channel.create", { name: `room-${++rooms}` }, ann.token);
  await must(server.url, "channel.join", { channel: channel.id }, bob.token);
  return channel.id;
}

const say = (channel, text) => must(server.url, "message.send", { channel, text }, ann.token);

/** Every event of the channel's stream as the server keeps it. */
async function stream(channel, after) {
  const { channel: at } = await must(server.url, "channel.get", { channel }, ann.token);
  const page = await must(server.url, "stream.events", { stream: `c:${channel}`, epoch: at.epoch, after, limit: 200 }, ann.token);
  return page.events;
}

test("a session starts, commands are answered, and events reach their handlers with their parameters", async () => {
  const channel = await room();
  const [anns, bobs] = [client(server, ann), client(server, bob)];
  const heard = [];
  bobs.on("message.created", ({ message, seq }, event) => heard.push([message.text, seq === message.seq, event.method]));
  const stopTyping = bobs.on("typing", ({ user }) => heard.push(user === ann.id));
  const session = await anns.start();
  assert.equal(session.user.name, "ann");
  assert.ok(session.channels.some((c) => c.id === channel));
  assert.equal(anns.online, true);
  await bobs.start();
  const { message } = await anns.call("message.send", { channel, text: "hello" });
  assert.equal(message.author, ann.id);
  await anns.call("typing.start", { channel });
  await eventually("both events", () => heard.length === 2);
  assert.deepEqual(heard, [["hello", true, "message.created"], true]);
  stopTyping();
  await anns.call("typing.start", { channel });
  await anns.call("message.send", { channel, text: "again" });
  await eventually("the message behind the typing", () => heard.length === 3);
  assert.equal((await anns.call("server.info")).setup, "none");
  assert.equal((await anns.http("user.get", { user: "@bob" })).user.id, bob.id);
});

test("a handler that throws keeps nobody else from hearing of the event", async () => {
  const channel = await room();
  const bobs = await connected(server, bob);
  const thrown = [];
  const heard = [];
  globalThis.reportError = (error) => thrown.push(error.message);
  bobs.on("message.created", () => {
    throw new Error("a handler's own");
  });
  bobs.on("message.created", ({ message }) => heard.push(message.text));
  await say(channel, "hello");
  await eventually("the other handler", () => heard.length === 1);
  delete globalThis.reportError;
  assert.deepEqual(thrown, ["a handler's own"]);
  assert.equal(bobs.online, true);
});

test("after kill -9 of the server a client has every event once, in order, and its own messages exist once", async () => {
  const channel = await room();
  const [anns, bobs] = [await connected(server, ann), await connected(server, bob)];
  const sent = [];
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 10; i++) sent.push(anns.send(channel, `${round}.${i}`).message);
    const killed = server.kill(); // with messages in every state: stored, on their way, not sent yet
    for (let i = 10; i < 15; i++) sent.push(anns.send(channel, `${round}.${i}`).message);
    await killed;
    await eventually("both notice", () => !anns.online && !bobs.online);
    server = await again(server, { env: ENV });
    anns.nudge();
    bobs.nudge();
    await Promise.all(sent);
  }
  const wanted = Array.from({ length: 3 }, (_, r) => Array.from({ length: 15 }, (_, i) => `${r}.${i}`)).flat();
  for (const one of [anns, bobs]) await eventually("all messages", () => texts(one, channel).length >= wanted.length);
  assert.deepEqual(texts(bobs, channel), wanted);
  assert.deepEqual(texts(anns, channel), wanted);
  const seqs = log(bobs, channel).map((e) => e.params.seq);
  assert.deepEqual(seqs, seqs.map((_, i) => seqs[0] + i), "no hole, no repetition");
  assert.deepEqual(bobs.heard.dropped.slice(1).flat(), [], "every stream was resumed");
  const { messages } = await must(server.url, "message.history", { channel, limit: 200 }, ann.token);
  assert.deepEqual(messages.map((m) => m.text), wanted);
});

test("a new process goes on where the former one was", async () => {
  const channel = await room();
  const first = await connected(server, bob);
  await say(channel, "1");
  await eventually("the first", () => texts(first, channel).length === 1);
  const positions = JSON.parse(JSON.stringify(first.positions));
  first.close();
  assert.deepEqual(first.positions, {});
  await say(channel, "2");
  await say(channel, "3");
  const second = await connected(server, bob, { positions });
  await say(channel, "4");
  await eventually("the others", () => texts(second, channel).length === 3);
  assert.deepEqual(texts(second, channel), ["2", "3", "4"]);
});

test("a client that was away for too long is told which streams to fetch anew", async () => {
  const [channel, quiet] = [await room(), await room()];
  const bobs = await connected(server, bob);
  const positions = bobs.positions;
  bobs.close();
  for (let i = 0; i < 60; i++) await say(channel, String(i));
  const later = await connected(server, bob, { positions });
  assert.deepEqual(later.heard.dropped, [[`c:${channel}`]]);
  await say(channel, "live");
  await say(quiet, "live too");
  await eventually("both", () => texts(later, quiet).length === 1);
  assert.deepEqual(texts(later, channel), ["live"]);
});

test("an event that is missing is fetched before the ones behind it are handed on", async () => {
  const channel = await room();
  const lost = new Set();
  const WebSocketWithHoles = tampered({
    received: ({ method, params }) => {
      if (method !== "message.created" || !["2", "3", "6"].includes(params.message.text)) return true;
      lost.add(params.message.text);
      return false;
    },
  });
  const bobs = await connected(server, bob, { WebSocket: WebSocketWithHoles });
  for (let i = 1; i <= 8; i++) await say(channel, String(i));
  await eventually("all of them", () => texts(bobs, channel).length === 8);
  assert.deepEqual([...lost], ["2", "3", "6"], "the connection did lose them");
  assert.deepEqual(log(bobs, channel), (await stream(channel, 0)).filter((e) => e.method === "message.created").map(({ method, params }) => ({ method, params })));
  assert.deepEqual(bobs.heard.resyncs, []);
});

test("joining begins a stream where the answer says, and leaving ends it", async () => {
  const { channel } = await must(server.url, "channel.create", { name: `room-${++rooms}` }, ann.token);
  const bobs = await connected(server, bob);
  assert.equal(bobs.positions[`c:${channel.id}`], undefined);
  await bobs.call("channel.join", { channel: channel.id });
  await say(channel.id, "hello");
  await eventually("the message", () => texts(bobs, channel.id).length === 1);
  await bobs.call("channel.leave", { channel: channel.id });
  await eventually("the end of the stream", () => bobs.positions[`c:${channel.id}`] === undefined);
});

test("a session that is revoked ends at once, for good, and leaves its queue alone", async () => {
  const phone = await login(server.url, "bob");
  const channel = await room();
  const bobs = await connected(server, phone);
  await must(server.url, "auth.revoke", { session: phone.session }, bob.token);
  await eventually("the end", () => bobs.heard.ended.length > 0);
  assert.deepEqual(bobs.heard.ended, ["revoked"]);
  assert.equal(bobs.status.kind, "idle");
  assert.equal(bobs.session, null);
  assert.throws(() => bobs.send(channel, "too late"), (e) => e instanceof CallError && e.type === "unauthenticated");
  await assert.rejects(bobs.start(), (e) => e.type === "unauthenticated");
  assert.deepEqual(bobs.heard.ended, ["revoked", "unauthenticated"]);
});

test("a session revoked while the server was away ends when it is back", async () => {
  const phone = await login(server.url, "bob");
  const channel = await room();
  const bobs = await connected(server, phone);
  await server.kill();
  await eventually("offline", () => !bobs.online);
  const refused = assert.rejects(bobs.send(channel, "unsent").message, (e) => e.type === "unauthenticated");
  server = await again(server, { env: ENV });
  await must(server.url, "auth.revoke", { session: phone.session }, bob.token);
  bobs.nudge();
  await refused;
  // Its next attempt may be faster than the end of the session.
  assert.equal(bobs.heard.ended.length, 1);
  assert.match(bobs.heard.ended[0], /^(unauthenticated|revoked)$/);
});

test("a draining server's clients come back spread out, each at the time it was given", async () => {
  const own = await start({ env: ENV });
  const owner = await people(own.url, "ann").then(({ ann: a }) => a);
  const all = await Promise.all(Array.from({ length: 24 }, () => connected(own, owner)));
  await own.stop();
  const told = all.map((c) => c.heard.events.find((e) => e.method === "server.draining")?.params.reconnect_after_ms);
  await eventually("all have gone", () => all.every((c) => !c.online));
  const waits = all.map(({ heard }) => heard.statuses.find((s) => s.kind === "waiting"));
  assert.ok(waits.every((w) => w.why === "draining"));
  const delays = waits.map((w) => w.until - w.at);
  delays.forEach((delay, i) => assert.ok(Math.abs(delay - Math.max(told[i], 250)) <= 250, `told ${told[i]}, waits ${delay}`));
  assert.ok(Math.max(...delays) - Math.min(...delays) > 1_000, `spread over ${delays}`);
  assert.ok(new Set(delays).size > 12, `times of their own: ${delays}`);
  const next = await again(own, { env: ENV });
  await eventually("all are back", () => all.every((c) => c.online));
  assert.deepEqual(all.flatMap((c) => c.heard.dropped.slice(1).flat()), []);
  closeAll();
  await next.stop();
});

test("attempts at a server that is away come later and later, each client at times of its own", async () => {
  const own = await start({ env: ENV });
  const { ann: owner } = await people(own.url, "ann");
  const all = await Promise.all(Array.from({ length: 12 }, () => connected(own, owner)));
  await own.kill();
  const waits = ({ heard }) => heard.statuses.filter((s) => s.kind === "waiting");
  await eventually("three attempts each", () => all.every((c) => waits(c).length >= 3));
  for (const [n, step] of [500, 1_000, 2_000].entries()) {
    const delays = all.map((c) => waits(c)[n].until - waits(c)[n].at);
    for (const delay of delays) assert.ok(delay >= step / 2 - 5 && delay <= step + 5, `attempt ${n}: ${delay} of ${step}`);
    assert.ok(new Set(delays).size > 4, `attempt ${n}: ${delays}`);
  }
});

test("without a global WebSocket one has to be passed, and with it the global one is used", async () => {
  const before = globalThis.WebSocket;
  try {
    delete globalThis.WebSocket;
    assert.throws(() => new Parley({ url: server.url }), /no WebSocket: pass one/);
    globalThis.WebSocket = WebSocket;
    const parley = await connected(server, ann, { WebSocket: undefined });
    assert.equal(parley.online, true);
  } finally {
    if (before === undefined) delete globalThis.WebSocket;
    else globalThis.WebSocket = before;
  }
  assert.throws(() => new Parley({ WebSocket }), /url is missing/);
});

test("the platform's own WebSocket works as well", { skip: globalThis.WebSocket === undefined }, async () => {
  const channel = await room();
  const parley = await connected(server, ann, { WebSocket: undefined });
  assert.equal((await parley.send(channel, "hello").message).text, "hello");
});

test("a closed client can be started again, as somebody else", async () => {
  const parley = await connected(server, ann);
  parley.close();
  assert.equal(parley.status.kind, "idle");
  parley.token = bob.token;
  assert.equal((await parley.start()).user.id, bob.id);
});
