// The chat over Socket.IO, with its standard client: signing in, commands with acks, events in one order with /ws, resuming,
// ends of every kind. What breaks the protocol is sent by hand.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { io } from "socket.io-client";
import { Client } from "../lib/client.mjs";
import { Socket, open, poll, post } from "../lib/engineio.mjs";
import { start, within } from "../lib/parleyd.mjs";
import { login, must, people } from "../lib/people.mjs";
import { eventually, metrics } from "../lib/process.mjs";

const WAIT_MS = 30_000;
const WAYS = {
  websocket: ["websocket"],
  polling: ["polling"],
  "polling with an upgrade": ["polling", "websocket"],
};

let server, ann, bob;
before(async () => {
  server = await start({ args: ["--workers", "4", "--resume-events", "50"], env: { PARLEY_RATE_LIMITS: "off" } });
  ({ ann, bob } = await people(server.url, "ann", "bob"));
});
const clients = [];
after(async () => {
  clients.forEach((client) => client.disconnect?.() ?? client.vanish());
  await server.stop();
});

const once = (emitter, name) => within(WAIT_MS, name, new Promise((resolve) => emitter.once(name, (...args) => resolve(args))));

/** A standard client; `seen` are its events in the order of their arrival. */
function connect(auth, { transports = ["websocket"], url = server.url, ...options } = {}) {
  const socket = io(url, { transports, auth, forceNew: true, reconnection: false, ...options });
  socket.seen = [];
  socket.watchers = new Set();
  socket.onAny((name, params) => {
    socket.seen.push({ name, params });
    socket.watchers.forEach((look) => look());
  });
  socket.until = (what, condition) =>
    within(WAIT_MS, what, new Promise((resolve) => {
      const look = () => {
        const value = condition(socket.seen);
        if (!value) return;
        socket.watchers.delete(look);
        resolve(value);
      };
      socket.watchers.add(look);
      look();
    }));
  clients.push(socket);
  return socket;
}

/** One whose session has been started, and is on the last of its transports. */
async function signIn(user, { auth, ...options } = {}) {
  const socket = connect({ token: user.token, ...auth }, options);
  const upgraded = options.transports?.length > 1 ? once(socket.io.engine ?? (await opened(socket)), "upgrade") : undefined;
  const [started] = await once(socket, "session.started");
  await upgraded;
  socket.started = started;
  return socket;
}
const opened = async (socket) => {
  await once(socket.io, "open");
  return socket.io.engine;
};

const texts = (socket, stream) =>
  socket.seen.filter((e) => e.name === "message.created" && e.params.stream === stream).map((e) => e.params.message.text);
let rooms = 0;
async function room() {
  const { channel } = await must(server.url, "channel.create", { name: `sio-${++rooms}` }, ann.token);
  await must(server.url, "channel.join", { channel: channel.id }, bob.token);
  return { id: channel.id, stream: `c:${channel.id}` };
}

for (const [way, transports] of Object.entries(WAYS)) {
  describe(`by ${way}`, () => {
    test("it signs in, joins, sends with an ack, and gets what others send, in one order with /ws", async () => {
      const channel = await room();
      const other = await Client.open(server.url, { token: ann.token });
      clients.push(other);
      const socket = await signIn(bob, { transports });
      assert.equal(socket.io.engine.transport.name, transports.at(-1));
      assert.equal(socket.seen[0].name, "session.started");
      assert.equal(socket.started.user.name, "bob");
      assert.ok(socket.started.channels.some((c) => c.id === channel.id));

      const sends = [];
      for (let i = 0; i < 20; i++) {
        sends.push(socket.emitWithAck("message.send", { channel: channel.id, text: `bob ${i}` }));
        sends.push(other.request("message.send", { channel: channel.id, text: `ann ${i} €` }));
      }
      const answers = await within(WAIT_MS, "the acks", Promise.all(sends));
      assert.equal(answers[0].result.message.text, "bob 0");
      await socket.until("all messages", () => texts(socket, channel.stream).length === 40);
      await other.until("all messages", () => other.log(channel.stream).filter((e) => e.method === "message.created").length === 40);
      const order = other.log(channel.stream).map((e) => [e.params.seq, e.method, JSON.stringify(e.params)]);
      const same = socket.seen.filter((e) => e.params.stream === channel.stream && e.params.seq >= order[0][0])
        .map((e) => [e.params.seq, e.name, JSON.stringify(e.params)]);
      assert.deepEqual(same.slice(-40), order.slice(-40));
      socket.disconnect();
    });

    test("the ack comes before the event of one's own message", async () => {
      const channel = await room();
      const socket = await signIn(bob, { transports });
      for (let i = 0; i < 10; i++) {
        const order = [];
        const event = new Promise((resolve) => socket.once("message.created", () => resolve(order.push("event"))));
        const ack = new Promise((resolve) => socket.emit("message.send", { channel: channel.id, text: `${i}` }, () => resolve(order.push("ack"))));
        await within(WAIT_MS, "both", Promise.all([event, ack]));
        assert.deepEqual(order, ["ack", "event"]);
      }
      socket.disconnect();
    });

    test("errors come in the ack and name what is wrong; the connection goes on", async () => {
      const socket = await signIn(bob, { transports });
      const ask = (...args) => within(WAIT_MS, "the ack", socket.emitWithAck(...args));
      assert.equal((await ask("nonsense", {})).error.data.type, "unknown_command");
      assert.deepEqual((await ask("message.send", { channel: 5, text: "x" })).error.data, {
        type: "invalid_params",
        field: "channel",
        reason: "must be a string",
      });
      assert.equal((await ask("message.send", { channel: "nosuch", text: "x" })).error.code, -32004);
      assert.equal((await ask("session.start", {})).error.data.type, "conflict");
      for (const args of [[1], ["text"], [[]], [{}, {}], [Buffer.from("x")], [{ channel: Buffer.from("x") }]]) {
        assert.equal((await ask("server.info", ...args)).error.data.type, "invalid_request", JSON.stringify(args));
      }
      assert.equal((await ask("server.info")).result.name, "parley");
      socket.disconnect();
    });

    test("auth.streams resumes: every missed event, in order, before anything newer", async () => {
      const channel = await room();
      const first = await signIn(bob, { transports });
      await within(WAIT_MS, "ack", first.emitWithAck("message.send", { channel: channel.id, text: "seen" }));
      const last = await first.until("seen", (seen) => seen.find((e) => e.name === "message.created")?.params);
      first.disconnect();
      for (let i = 0; i < 10; i++) await must(server.url, "message.send", { channel: channel.id, text: `missed ${i}` }, ann.token);
      const position = { [channel.stream]: { epoch: last.epoch, seq: last.seq } };
      const second = await signIn(bob, { transports, auth: { streams: position } });
      assert.equal(second.started.channels.find((c) => c.id === channel.id).resumed, true);
      await must(server.url, "message.send", { channel: channel.id, text: "newer" }, ann.token);
      await second.until("newer", () => texts(second, channel.stream).includes("newer"));
      assert.deepEqual(texts(second, channel.stream), [...Array.from({ length: 10 }, (_, i) => `missed ${i}`), "newer"]);
      second.disconnect();
      const behind = { [channel.stream]: { epoch: "other", seq: 1 } };
      const third = await signIn(bob, { transports, auth: { streams: behind } });
      assert.equal(third.started.channels.find((c) => c.id === channel.id).resumed, false);
      third.disconnect();
    });

    test("a token that is none, or a wrong parameter, is a connect_error that says so", async () => {
      for (const [auth, type, field] of [
        [{ token: "nonsense" }, "unauthenticated"],
        [undefined, "unauthenticated"],
        [{ token: 5 }, "invalid_params", "token"],
        [{ token: bob.token, extra: 1 }, "invalid_params", "extra"],
      ]) {
        const socket = connect(auth, { transports });
        const [error] = await once(socket, "connect_error");
        assert.equal(error.data.type, type);
        assert.equal(error.data.field, field);
        assert.ok(error.message.length > 5);
        socket.disconnect();
      }
    });

    test("a session that is revoked is told, and its client does not come back by itself", async () => {
      const again = await login(server.url, "bob");
      const socket = await signIn(again, { transports, reconnection: true });
      const ended = once(socket, "disconnect");
      await must(server.url, "auth.logout", {}, again.token);
      assert.deepEqual((await ended)[0], "io server disconnect");
      assert.equal(socket.seen.at(-1).name, "session.revoked");
      assert.equal(socket.active, false);
    });

    test("an unknown namespace is refused, and no other notices", async () => {
      const socket = await signIn(bob, { transports });
      const other = socket.io.socket("/nonsense");
      other.connect();
      const [error] = await once(other, "connect_error");
      assert.equal(error.message, "Invalid namespace");
      assert.equal((await within(WAIT_MS, "ack", socket.emitWithAck("server.info"))).result.name, "parley");
      socket.disconnect();
    });

    test("after a disconnect the session is over, and the same connection can start another", async () => {
      const socket = await signIn(bob, { transports });
      const other = socket.io.socket("/other"); // keeps the connection
      other.connect();
      await once(other, "connect_error");
      socket.disconnect();
      const started = once(socket, "session.started");
      socket.connect();
      assert.equal((await started)[0].user.name, "bob");
      socket.io._close();
    });
  });
}

describe("a browser's cookie", () => {
  const cookie = () => ({ Cookie: `parley_session=${bob.token}` });

  test("signs in by WebSocket and by polling from the server's own pages", async () => {
    for (const transports of [["websocket"], ["polling"]]) {
      const socket = connect({}, { transports, extraHeaders: { ...cookie(), Origin: server.url } });
      assert.equal((await once(socket, "session.started"))[0].user.name, "bob");
      socket.disconnect();
    }
  });

  test("of another page does not", async () => {
    const Origin = "https://evil.example.org";
    const polled = connect({}, { transports: ["polling"], extraHeaders: { ...cookie(), Origin } });
    assert.equal((await once(polled, "connect_error"))[0].data.type, "unauthenticated");
    polled.disconnect();
    const socket = new Socket(server.url, { path: "/socket.io/", headers: { ...cookie(), Origin } });
    assert.equal(await socket.status, 403);
  });
});

describe("what breaks the protocol", () => {
  const bad = {
    "an unknown type": ["49"],
    "no JSON": ["42["],
    "an event that is no array": ["42{}"],
    "an event without a name": ["42[]"],
    ...Object.fromEntries(["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"].map((name) => [`the reserved name ${name}`, [`42["${name}"]`]])),
    "a name of 50 KB": [`42["${"x".repeat(50_000)}"]`],
    "an ack id that is none": ['42abc["x"]'],
    "a connect_error": ['44{"message":"x"}'],
    "10,000 attachments": ['4510000-["x"]'],
    "1,000 placeholders for one attachment": [`451-["x",${Array(1000).fill('{"_placeholder":true,"num":0}').join()}]`, Buffer.from([1])],
    "placeholders without attachments": ['451-["x"]'],
    "text where an attachment is due": ['451-["x",{"_placeholder":true,"num":0}]', '42["x"]'],
    "binary that was not announced": [Buffer.from([1, 2, 3])],
    "an event to a namespace without a connection": ['42/other,["x"]'],
  };

  const SEPARATOR = "\x1e";
  const refused = async (url = server.url) => (await metrics(url)).parley_socketio_refused_total;
  /** That nobody else notices, and that it is counted. */
  async function alone(work, url = server.url) {
    const witness = await signIn(bob, { url });
    const before = await refused(url);
    await work();
    assert.equal((await within(WAIT_MS, "ack", witness.emitWithAck("server.info"))).result.name, "parley");
    await eventually("the count", async () => (await refused(url)) > before);
    witness.disconnect();
  }
  async function byWebSocket(user, url = server.url) {
    const socket = new Socket(url, { path: "/socket.io/" });
    await socket.next();
    socket.send(`40${JSON.stringify({ token: user.token })}`);
    assert.match(await socket.next(), /^40\{"sid"/);
    return socket;
  }
  async function byPolling(user, url = server.url) {
    const path = "/socket.io/";
    const { sid } = await open(url, path);
    assert.equal((await post(url, sid, `40${JSON.stringify({ token: user.token })}`, { path })).status, 200);
    assert.match((await poll(url, { path, sid })).text, /^40\{"sid"/);
    return { post: (body) => post(url, sid, body, { path }), poll: () => poll(url, { path, sid }) };
  }

  for (const [what, packets] of Object.entries(bad)) {
    test(`${what} ends that client alone`, () =>
      alone(async () => {
        const socket = await byWebSocket(ann);
        packets.forEach((packet) => socket.send(packet));
        assert.equal(await socket.end(), 4003);
      }));

    test(`${what} ends that client alone, by long-polling`, () =>
      alone(async () => {
        const session = await byPolling(ann);
        const payload = packets.map((packet) => (typeof packet === "string" ? packet : `b${packet.toString("base64")}`));
        assert.equal((await session.post(payload.join(SEPARATOR))).status, 400);
        assert.equal((await session.poll()).status, 400, "the session is over");
      }));
  }

  test("an event name of 1 MB is more than a packet may have: 1009, and 413 before it is read", async () => {
    const packet = `42["${"x".repeat(1 << 20)}"]`;
    const socket = await byWebSocket(ann);
    socket.send(packet);
    assert.equal(await socket.end(), 1009);
    const session = await byPolling(ann);
    assert.equal((await session.post(packet)).status, 413);
    assert.equal((await session.post('427["server.info"]')).status, 200, "the session goes on");
    assert.match((await session.poll()).text, /437\[/);
  });

  test("an event name of 1 MB, and 10,000 placeholders, end their client alone where a packet may have that", async () => {
    const large = await start({ env: { PARLEY_RATE_LIMITS: "off", PARLEY_FRAME_BYTES: String(2 << 20) } });
    const packet = `42["${"x".repeat(1 << 20)}"]`;
    const there = await people(large.url, "ann", "bob");
    const witness = await byWebSocket(there.bob, large.url);
    const socket = await byWebSocket(there.ann, large.url);
    socket.send(packet);
    assert.equal(await socket.end(), 4003);
    const session = await byPolling(there.ann, large.url);
    assert.equal((await session.post(packet)).status, 400);
    assert.equal((await session.poll()).status, 400);
    const third = await byWebSocket(there.ann, large.url);
    third.send(`451-["x",${Array(10_000).fill('{"_placeholder":true,"num":0}').join()}]`);
    third.send(Buffer.from([1]));
    assert.equal(await third.end(), 4003);
    assert.ok((await refused(large.url)) >= 3);
    witness.send('421["server.info"]');
    let answer;
    do answer = await witness.next();
    while (!answer.startsWith("431"));
    witness.close();
    await large.stop();
  });

  test("an unknown namespace is refused, and the client goes on in the others", async () => {
    const socket = await byWebSocket(ann);
    socket.send("40/nowhere,");
    let packet;
    do packet = await socket.next();
    while (!packet.startsWith("44"));
    assert.match(packet, /^44\/nowhere,\{"message":"/);
    socket.send('427["server.info"]');
    do packet = await socket.next();
    while (!packet.startsWith("437"));
    socket.close();
  });

  test("a second GET and a POST over maxPayload harm that client alone, and are counted", async () => {
    await alone(async () => {
      const session = await byPolling(ann);
      // the first of them may get something at once
      const answers = await Promise.all([session.poll(), session.poll(), session.poll()]);
      assert.ok(answers.some(({ status }) => status === 400), JSON.stringify(answers));
      assert.equal((await session.poll()).status, 400, "the session is over");
    });
    const session = await byPolling(ann);
    assert.equal((await session.post(`42["${"x".repeat(100_000)}"]`)).status, 413);
    assert.equal((await session.post('421["server.info"]')).status, 200, "that one goes on");
  });

  test("a POST while the session is upgraded is taken, and answered by the WebSocket", async () => {
    const path = "/socket.io/";
    const { sid } = await open(server.url, path);
    assert.equal((await post(server.url, sid, `40${JSON.stringify({ token: ann.token })}`, { path })).status, 200);
    const socket = new Socket(server.url, { path, sid });
    assert.equal(await socket.status, 101);
    socket.send("2probe");
    assert.equal(await socket.next(), "3probe");
    assert.equal((await post(server.url, sid, '427["server.info"]', { path })).status, 200);
    socket.send("5");
    let packet;
    do packet = await socket.next();
    while (!packet.startsWith("437"));
    assert.match(packet, /"name":"parley"/);
    assert.equal((await post(server.url, sid, '428["server.info"]', { path })).status, 400, "afterwards there is none");
    socket.close();
  });

  test("an event before the connection to a namespace ends it", async () => {
    const socket = new Socket(server.url, { path: "/socket.io/" });
    await socket.next();
    socket.send('42["server.info",{}]');
    assert.equal(await socket.end(), 4003);
    const { sid } = await open(server.url, "/socket.io/");
    assert.equal((await post(server.url, sid, '42["server.info",{}]', { path: "/socket.io/" })).status, 400);
    assert.equal((await poll(server.url, { path: "/socket.io/", sid })).status, 400);
  });

  test("an ack that nobody waits for, and a second connection to the namespace, are passed over", async () => {
    const witness = new Socket(server.url, { path: "/socket.io/" });
    await witness.next();
    witness.send(`40${JSON.stringify({ token: ann.token })}`);
    assert.match(await witness.next(), /^40/);
    witness.send('4399[{"x":1}]');
    witness.send("40");
    witness.send('427["server.info"]');
    let packet;
    do packet = await witness.next();
    while (!packet.startsWith("437"));
    assert.match(packet, /"name":"parley"/);
    witness.close();
  });
});

describe("limits", () => {
  test("who does not connect to a namespace is closed with 4001", async () => {
    const own = await start({ env: { PARLEY_SESSION_START_TIMEOUT_MS: "100", PARLEY_HEARTBEAT_MS: "1000" } });
    const socket = new Socket(own.url, { path: "/socket.io/" });
    assert.equal(await socket.end(), 4001);
    const { sid } = await open(own.url, "/socket.io/");
    let answer;
    do answer = await poll(own.url, { path: "/socket.io/", sid });
    while (answer.status === 200);
    assert.equal(answer.status, 400);
    await own.stop();
  });

  test("a client that does not read is closed, whatever it connects by, and others get everything", async () => {
    const own = await start({ env: { PARLEY_RATE_LIMITS: "off", PARLEY_QUEUE_BYTES: "65536" } });
    const { cid, dan } = await people(own.url, "cid", "dan");
    const { channel } = await must(own.url, "channel.create", { name: "loud" }, cid.token);
    await must(own.url, "channel.join", { channel: channel.id }, dan.token);
    const reader = await signIn(dan, { url: own.url });
    const { sid } = await open(own.url, "/socket.io/");
    await post(own.url, sid, `40${JSON.stringify({ token: dan.token })}`, { path: "/socket.io/" }); // and never polls again
    for (let i = 0; i < 40; i++) await must(own.url, "message.send", { channel: channel.id, text: `${i} `.padEnd(4000, "x") }, cid.token);
    await reader.until("all", () => texts(reader, `c:${channel.id}`).length === 40);
    const metrics = await (await fetch(`${own.url}/metrics`)).text();
    assert.match(metrics, /^parley_closes_total\{code="4009"\} 1$/m);
    reader.disconnect();
    await own.stop();
  });

  test("sessions that are polled count as connections of their address", async () => {
    const own = await start({ env: { PARLEY_MAX_CONNECTIONS_PER_ADDRESS: "20" } });
    const answers = [];
    for (let i = 0; i < 25; i++) answers.push((await poll(own.url, { path: "/socket.io/" })).status);
    assert.equal(answers[0], 200);
    assert.equal(answers.at(-1), 503);
    await own.stop();
  });

  test("metrics tell the transports apart", async () => {
    const own = await start();
    const { cid } = await people(own.url, "cid");
    const sockets = [];
    for (const transports of [["websocket"], ["polling"]]) sockets.push(await signIn(cid, { transports, url: own.url }));
    const metrics = await (await fetch(`${own.url}/metrics`)).text();
    assert.match(metrics, /^parley_connections_by_transport\{transport="socketio_websocket"\} 1$/m);
    assert.match(metrics, /^parley_connections_by_transport\{transport="socketio_polling"\} 1$/m);
    sockets.forEach((socket) => socket.disconnect());
    await own.stop();
  });
});

describe("draining", () => {
  for (const [way, transports] of Object.entries(WAYS)) {
    test(`by ${way} a client is told when to come back, and does`, async () => {
      // Between two polls there is no way to tell a client anything: then once more.
      let news;
      for (let attempt = 0; attempt < (transports[0] === "polling" ? 5 : 1) && !news; attempt++) {
        const own = await start({ args: ["--workers", "2"] });
        const { cid } = await people(own.url, "cid");
        const socket = await signIn(cid, { transports, url: own.url, reconnection: true });
        const ended = once(socket, "disconnect");
        const { code } = await own.stop();
        assert.equal(code, 0);
        await ended;
        assert.equal(socket.active, true);
        news = socket.seen.find((e) => e.name === "server.draining");
        socket.disconnect();
      }
      assert.equal(typeof news?.params.reconnect_after_ms, "number");
    });
  }
});

test("the application of the conformance suites: acks and binary both ways, namespaces apart", async () => {
  const own = await start({ program: [process.env.CONFORMANCE_APPLICATION], env: { PING_INTERVAL_MS: "25000", PING_TIMEOUT_MS: "20000" } });
  for (const transports of Object.values(WAYS)) {
    const socket = connect({ a: 1 }, { transports, url: own.url });
    await socket.until("auth", (seen) => seen.find((e) => e.name === "auth" && e.params.a === 1));
    const answer = await within(WAIT_MS, "ack", socket.emitWithAck("message-with-ack", Buffer.from([1, 2]), { b: [Buffer.from([3])] }));
    assert.deepEqual(answer, Buffer.from([1, 2]));
    socket.emit("message", "x", Buffer.from("y"));
    const back = await once(socket, "message-back");
    assert.deepEqual([back[0], Buffer.from(back[1])], ["x", Buffer.from("y")]);
    socket.on("question", (data, ack) => ack("the answer", data, Buffer.from("z")));
    const answered = once(socket, "answered");
    socket.emit("ask", Buffer.from("q"));
    assert.deepEqual((await answered).map(String), ["the answer", "q", "z"]);
    const custom = socket.io.socket("/custom", { auth: { c: 2 } });
    const auth = once(custom, "auth");
    custom.connect();
    assert.deepEqual((await auth)[0], { c: 2 });
    custom.disconnect();
    assert.equal(await within(WAIT_MS, "ack", socket.emitWithAck("message-with-ack", "still")), "still");
    socket.disconnect();
  }
  await own.stop();
});
