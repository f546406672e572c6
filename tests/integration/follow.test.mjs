// GET /api/v1/stream.follow: the events of one's streams as server-sent events, and going on where one was.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { EventSource } from "eventsource";
import { Client } from "../lib/client.mjs";
import { Events } from "../lib/events.mjs";
import { database } from "../lib/mongo.mjs";
import { start } from "../lib/parleyd.mjs";
import { login, must, register } from "../lib/people.mjs";
import { cpuSeconds, eventually, metrics } from "../lib/process.mjs";
import { startRedis } from "../lib/redis.mjs";

let server;
let ann;
let bob;
before(async () => {
  server = await start({ env: { PARLEY_RATE_LIMITS: "off", PARLEY_HANDSHAKE_TIMEOUT_MS: "1000", PARLEY_HEARTBEAT_MS: "2000" } });
  ann = await register(server.url, "ann");
  bob = await register(server.url, "bob");
});
after(() => server?.stop());

let rooms = 0;
const room = async (...members) => {
  const { channel } = await must(server.url, "channel.create", { name: `room-${++rooms}` }, ann.token);
  for (const member of members) await must(server.url, "channel.join", { channel: channel.id }, member.token);
  return channel.id;
};
const send = (channel, text, who = ann) => must(server.url, "message.send", { channel, text }, who.token);
const seqs = (list) => list.map((e) => e.data.seq);
const texts = (list) => list.filter((e) => e.event === "message.created").map((e) => e.data.message.text);

test("it begins with session.started, as a WebSocket does, and then tells what happens", async () => {
  const channel = await room(bob);
  const events = await Events.open(server.url, { token: bob.token });
  assert.equal(events.status, 200);
  assert.match(events.head, /content-type: text\/event-stream/i);
  assert.match(events.head, /cache-control: no-store/i);
  assert.match(events.head, /x-request-id: [0-9a-z]{26}/i);
  const started = await events.event("session.started");
  const client = await Client.open(server.url, { token: bob.token });
  assert.deepEqual(started.data.channels.map((c) => [c.id, c.seq]), client.started.channels.map((c) => [c.id, c.seq]));
  assert.deepEqual(Object.keys(started.data.streams), [`u:${bob.id}`]);
  for (let i = 0; i < 20; i++) await send(channel, `line\n${i}\u2028`);
  await events.until("all of them", (e) => texts(e.log()).length === 20);
  await client.until("all of them", (c) => c.log(`c:${channel}`).length === 20);
  assert.deepEqual(events.log(`c:${channel}`).map((e) => ({ method: e.event, params: e.data })), client.log(`c:${channel}`).map(({ method, params }) => ({ method, params })));
  await must(server.url, "typing.start", { channel }, ann.token);
  assert.equal((await events.event("typing")).data.user, ann.id);
  await client.close();
  await events.close();
});

test("every id leads on from just behind its event: none is missing, none comes twice", async () => {
  const [one, two] = [await room(bob), await room(bob)];
  const first = await Events.open(server.url, { token: bob.token });
  const started = await first.event("session.started");
  for (let i = 0; i < 12; i++) await send(i % 3 === 0 ? two : one, `m${i}`);
  await first.until("all of them", (e) => texts(e.log()).length === 12);
  await first.close();
  for (const from of [started, ...first.log()]) {
    const again = await Events.open(server.url, { token: bob.token, lastId: from.id });
    const { data } = await again.event("session.started");
    assert.deepEqual(data.channels.filter((c) => [one, two].includes(c.id)).map((c) => c.resumed), [true, true]);
    const rest = first.log().slice(first.log().indexOf(from) + 1);
    await send(one, "live");
    await again.until("the live one", (e) => texts(e.log()).includes("live"));
    for (const stream of [`c:${one}`, `c:${two}`]) {
      const missed = rest.filter((e) => e.data.stream === stream);
      assert.deepEqual(again.log(stream).slice(0, missed.length).map((e) => e.data), missed.map((e) => e.data));
      const all = seqs(again.log(stream));
      assert.deepEqual(all, all.map((_, i) => all[0] + i), "in order, without holes");
    }
    await again.close();
  }
});

test("the id in the query does as well, and the header counts more", async () => {
  const channel = await room(bob);
  const first = await Events.open(server.url, { token: bob.token, streams: [`c:${channel}`] });
  for (const text of ["a", "b", "c"]) await send(channel, text);
  await first.until("c", (e) => texts(e.log()).length === 3);
  await first.close();
  const [a, b] = first.log();
  const one = await Events.open(server.url, { token: bob.token, streams: [`c:${channel}`], query: { last_event_id: a.id } });
  await one.until("c", (e) => texts(e.log()).includes("c"));
  assert.deepEqual(texts(one.log()), ["b", "c"]);
  const two = await Events.open(server.url, { token: bob.token, streams: [`c:${channel}`], query: { last_event_id: a.id }, lastId: b.id });
  await two.until("c", (e) => texts(e.log()).includes("c"));
  assert.deepEqual(texts(two.log()), ["c"]);
  await Promise.all([one.close(), two.close()]);
});

test("only the streams that are named come", async () => {
  const [one, two] = [await room(bob), await room(bob)];
  const events = await Events.open(server.url, { token: bob.token, streams: [`c:${one}`, `u:${bob.id}`] });
  await send(two, "not for this one");
  const joined = await room(bob); // tells one's own stream, and does not add to what was named
  await send(joined, "neither");
  await send(one, "for this one");
  await events.until("it", (e) => texts(e.log()).includes("for this one"));
  await events.event("channel.joined", (data) => data.channel.id === joined);
  assert.deepEqual(texts(events.log()), ["for this one"]);
  assert.ok(events.events.every((e) => e.data.stream === undefined || [`c:${one}`, `u:${bob.id}`].includes(e.data.stream)));
  await events.close();
});

test("without names, a channel that is joined adds its stream", async () => {
  const events = await Events.open(server.url, { token: bob.token });
  const channel = await room(bob);
  await send(channel, "welcome");
  await events.until("the message", (e) => texts(e.log(`c:${channel}`)).includes("welcome"));
  const id = events.lastId;
  await events.close();
  await send(channel, "while away");
  const again = await Events.open(server.url, { token: bob.token, lastId: id });
  await again.until("the message", (e) => texts(e.log(`c:${channel}`)).length === 1);
  assert.deepEqual(texts(again.log(`c:${channel}`)), ["while away"]);
  await again.close();
});

test("what is too far behind is not resumed, and session.started says so", async () => {
  const strict = await start({ env: { PARLEY_RATE_LIMITS: "off", PARLEY_RESUME_EVENTS: "5" } });
  const eve = await register(strict.url, "eve");
  const { channel } = await must(strict.url, "channel.create", { name: "busy" }, eve.token);
  const first = await Events.open(strict.url, { token: eve.token });
  const { id } = await first.event("session.started");
  await first.close();
  for (let i = 0; i < 10; i++) await must(strict.url, "message.send", { channel: channel.id, text: `${i}` }, eve.token);
  const again = await Events.open(strict.url, { token: eve.token, lastId: id });
  const { data } = await again.event("session.started");
  assert.equal(data.channels.find((c) => c.id === channel.id).resumed, false);
  assert.equal(data.streams[`u:${eve.id}`].resumed, true);
  await must(strict.url, "message.send", { channel: channel.id, text: "live" }, eve.token);
  await again.until("the live one", (e) => texts(e.log()).length > 0);
  assert.deepEqual(texts(again.log()), ["live"]);
  await again.close();
  await strict.stop();
});

test("bad requests are told what is wrong, as problems", async () => {
  const channel = await room();
  const cases = [
    [{}, 401, "unauthenticated"],
    [{ token: "nonsense" }, 401, "unauthenticated"],
    [{ token: bob.token, streams: [`c:${channel}`] }, 404, "not_found", "streams"],
    [{ token: bob.token, streams: [`u:${ann.id}`] }, 404, "not_found", "streams"],
    [{ token: bob.token, streams: ["c:nosuchthing"] }, 404, "not_found", "streams"],
    [{ token: bob.token, streams: ["x:y"] }, 422, "invalid_params", "streams"],
    [{ token: bob.token, streams: [`u:${bob.id}`, `u:${bob.id}`] }, 422, "invalid_params", "streams"],
    [{ token: bob.token, streams: Array.from({ length: 101 }, (_, i) => `c:${i}`) }, 422, "invalid_params", "streams"],
    [{ token: bob.token, query: { surprise: "1" } }, 422, "invalid_params", "query"],
    [{ token: bob.token, headers: { Accept: "application/json" } }, 406, "invalid_request"],
    ...["x", "aaaaaaaa", "aaaaaaaa:", "aaaaaaaa:x", "aaaaaaaa:-1", "aaaaaaaa:99999999999999999", `aaaaaaaa:1:${"e".repeat(17)}`, "aaaaaaaa:1  bbbbbbbb:2",
      "aaaaaaaa:1 ".repeat(101).trim(), "\u0001"].map((lastId) => [{ token: bob.token, query: { last_event_id: lastId } }, 422, "invalid_params", "last_event_id"]),
  ];
  for (const [options, status, type, field] of cases) {
    const events = await Events.open(server.url, options);
    const problem = JSON.parse(await events.until("the problem", (e) => e.body?.endsWith("}") && e.body));
    assert.equal(events.status, status, JSON.stringify(options).slice(0, 200));
    assert.equal(problem.type, type);
    if (field) assert.equal(problem.field, field);
    await events.close();
  }
  for (const method of ["POST", "HEAD", "PUT"]) {
    const answer = await fetch(`${server.url}/api/v1/stream.follow`, { method });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers.get("allow"), "GET, OPTIONS");
  }
});

test("an end of the session ends it at once, with the reason", async () => {
  const second = await login(server.url, "bob");
  const events = await Events.open(server.url, { token: second.token });
  await events.event("session.started");
  await must(server.url, "auth.revoke", { session: second.session }, bob.token);
  await events.ended;
  assert.equal((await events.event("session.revoked")).data.session, second.session);
  assert.equal((await Events.open(server.url, { token: second.token })).status, 401);
});

test("it goes on beyond handshake_timeout_ms, with a comment now and then", async () => {
  const events = await Events.open(server.url, { token: bob.token });
  await events.until("two comments", (e) => e.blocks.filter((b) => b.comment !== undefined).length >= 2);
  assert.equal(events.raw.gone, false);
  await events.close();
});

test("clients that hang up are noticed, and cost nothing until then", async () => {
  const count = async () => (await metrics(server.url))['parley_connections_by_transport{transport="event_stream"}'];
  await eventually("none to begin with", async () => (await count()) === 0);
  const all = await Promise.all(Array.from({ length: 20 }, () => Events.open(server.url, { token: bob.token })));
  assert.equal(await count(), 20);
  const used = cpuSeconds(server.pid);
  const since = performance.now();
  all.forEach((events, i) => (i % 2 === 0 ? events.raw.socket.end() : events.close()));
  await eventually("their end", async () => (await count()) === 0);
  const seconds = (performance.now() - since) / 1000;
  assert.ok(cpuSeconds(server.pid) - used < 0.3 + seconds / 2, `${cpuSeconds(server.pid) - used} s of CPU in ${seconds} s`);
});

test("who sends more behind it loses the connection, and nobody else notices", async () => {
  const other = await Events.open(server.url, { token: bob.token });
  const events = new Events(server.url, { token: bob.token });
  events.raw.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  const later = await Events.open(server.url, { token: bob.token });
  later.raw.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  await Promise.all([events.ended, later.ended]);
  assert.equal(other.raw.gone, false);
  await other.close();
});

test("a client that does not read is closed, and comes back to all of it", async () => {
  const channel = await room(bob);
  const events = await Events.open(server.url, { token: bob.token, streams: [`c:${channel}`] });
  const { id } = await events.event("session.started");
  events.raw.socket.pause();
  const before = (await metrics(server.url))['parley_closes_total{code="4009"}'] ?? 0;
  let sent = 0;
  await eventually("the end of the slow one", async () => {
    for (let i = 0; i < 20; i++) await send(channel, `${sent++} ${"x".repeat(16_000)}`);
    return ((await metrics(server.url))['parley_closes_total{code="4009"}'] ?? 0) > before;
  });
  events.raw.socket.resume();
  await events.ended;
  const again = await Events.open(server.url, { token: bob.token, streams: [`c:${channel}`], lastId: id });
  await again.until("all of it", (e) => texts(e.log()).length === sent);
  assert.deepEqual(texts(again.log()).map((text) => Number(text.split(" ")[0])), Array.from({ length: sent }, (_, i) => i));
  await again.close();
});

test("a server that stops says so and when to come back", async () => {
  const other = await start();
  const eve = await register(other.url, "eve");
  const events = await Events.open(other.url, { token: eve.token });
  await events.event("session.started");
  const stopped = other.stop();
  const draining = await events.event("server.draining");
  assert.equal(Number(draining.retry), draining.data.reconnect_after_ms);
  await events.ended;
  await stopped;
});

test("a standard EventSource follows, and comes back by itself without a gap when the server was away", async () => {
  const node = await start();
  const eve = await register(node.url, "eve");
  const { channel } = await must(node.url, "channel.create", { name: "here" }, eve.token);
  const seen = [];
  let opened = 0;
  const source = new EventSource(`${node.url}/api/v1/stream.follow?streams=c:${channel.id}`, {
    fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, Cookie: `parley_session=${eve.token}` } }),
  });
  source.addEventListener("session.started", () => opened++);
  source.addEventListener("message.created", (event) => seen.push(JSON.parse(event.data).message.text));
  await eventually("its beginning", () => opened === 1);
  const say = (url, text) => must(url, "message.send", { channel: channel.id, text }, eve.token);
  await say(node.url, "before");
  await eventually("the first message", () => seen.length === 1);
  await node.stop();
  const again = await start({ dataDir: node.dataDir, listen: new URL(node.url).host });
  await say(again.url, "maybe while away");
  await eventually("its return", () => opened === 2);
  await say(again.url, "after");
  await eventually("the last message", () => seen.includes("after"));
  assert.deepEqual(seen, ["before", "maybe while away", "after"]);
  source.close();
  await again.stop();
});

test("over two nodes it is one log: what is written at either comes, and an id of one goes on at the other", async () => {
  const redis = await startRedis();
  const db = await database();
  const args = ["--bus", redis.uri, "--store", db.uri];
  const env = { PARLEY_RATE_LIMITS: "off" };
  const nodes = [];
  for (const name of ["a", "b"]) nodes.push(await start({ args: [...args, "--node-name", name], env }));
  const [a, b] = nodes;
  const eve = await register(a.url, "eve");
  const { channel } = await must(a.url, "channel.create", { name: "both" }, eve.token);
  const say = (node, text) => must(node.url, "message.send", { channel: channel.id, text }, eve.token);
  const [atA, atB] = await Promise.all(nodes.map((node) => Events.open(node.url, { token: eve.token })));
  await Promise.all([atA, atB].map((events) => events.event("session.started")));
  const written = Array.from({ length: 20 }, (_, i) => `m${i}`);
  for (const [i, text] of written.entries()) await say(nodes[i % 2], text);
  for (const events of [atA, atB]) {
    await events.until("all of them", (e) => texts(e.log()).length === written.length);
    assert.deepEqual(texts(events.log()), written);
  }
  assert.deepEqual(atA.log(`c:${channel.id}`).map((e) => e.data), atB.log(`c:${channel.id}`).map((e) => e.data));

  const half = atA.log().find((e) => e.data.message?.text === "m9");
  await Promise.all([atA.close(), atB.close()]);
  await say(b, "while away");
  const again = await Events.open(b.url, { token: eve.token, lastId: half.id });
  const { data } = await again.event("session.started");
  assert.equal(data.channels.find((c) => c.id === channel.id).resumed, true);
  await say(a, "live");
  await again.until("the live one", (e) => texts(e.log()).includes("live"));
  assert.deepEqual(texts(again.log()), [...written.slice(10), "while away", "live"]);
  await again.close();

  await a.stop(); // the other node goes on
  const alone = await Events.open(b.url, { token: eve.token, lastId: again.lastId });
  await say(b, "alone");
  await alone.until("it", (e) => texts(e.log()).includes("alone"));
  assert.deepEqual(texts(alone.log()), ["alone"]);
  await alone.close();
  await b.stop();
  await redis.stop();
  await db.drop();
});
