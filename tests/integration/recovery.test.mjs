// Connection-state recovery of standard Socket.IO clients: after a short disconnection they have every event they missed,
// in order, none twice, and `socket.recovered` is true; or it is false and they start afresh.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { io } from "socket.io-client";
import { Socket } from "../lib/engineio.mjs";
import { database } from "../lib/mongo.mjs";
import { start, within } from "../lib/parleyd.mjs";
import { must, people } from "../lib/people.mjs";
import { metrics } from "../lib/process.mjs";
import { startProxy } from "../lib/proxy.mjs";
import { Random, chooseSeed } from "../lib/random.mjs";
import { startRedis } from "../lib/redis.mjs";

const WAIT_MS = 30_000;
const PATH = "/socket.io/";
const WAYS = { websocket: ["websocket"], polling: ["polling"], "polling with an upgrade": ["polling", "websocket"] };
const port = ({ url }) => Number(new URL(url).port);

const ends = [];
after(async () => {
  for (const end of ends.reverse()) await end();
});

async function node(args = [], more = {}) {
  const server = await start({ args: ["--workers", "2", "--resume-events", "50", ...args], env: { PARLEY_RATE_LIMITS: "off" }, ...more });
  let running = true;
  const stop = async () => {
    if (running) await server.stop();
    running = false;
  };
  ends.push(stop);
  return { ...server, stop };
}

/** A standard client behind a proxy of its own. `log` has its events, a mark at each connection. */
async function connect(server, user, { transports = ["websocket"], auth = {} } = {}) {
  const proxy = await startProxy(port(server));
  const socket = io(`http://127.0.0.1:${proxy.port}`, {
    transports,
    auth: { token: user.token, recovery: true, ...auth },
    forceNew: true,
    reconnectionDelay: 20,
    reconnectionDelayMax: 20,
  });
  ends.push(async () => {
    socket.disconnect();
    await proxy.close();
  });
  const watchers = new Set();
  const note = (entry) => {
    client.log.push(entry);
    watchers.forEach((look) => look());
  };
  const client = { socket, proxy, log: [], offsets: 0 };
  client.until = (what, condition) =>
    within(WAIT_MS, what, new Promise((resolve) => {
      const look = () => {
        const value = condition(client.log);
        if (!value) return;
        watchers.delete(look);
        resolve(value);
      };
      watchers.add(look);
      look();
    }));
  /** Everything that was queued for it has come, with its offset. */
  client.level = () => client.until("an offset", (log) => log.findLast((e) => e.offset || e.connected || e.params?.seq)?.offset);
  client.connections = () => client.log.filter((e) => e.connected);
  client.start = (n) => client.until(`start ${n}`, (log) => log.filter((e) => e.name === "session.started")[n]?.params);
  client.starts = () => client.log.filter((e) => e.name === "session.started").length;
  client.texts = ({ stream }) =>
    client.log.filter((e) => e.name === "message.created" && e.params.stream === stream).map((e) => e.params.message.text);
  client.has = (room, text) => client.until(text, () => client.texts(room).includes(text));
  socket.on("connect", () => note({ connected: true, recovered: socket.recovered }));
  socket.onAny((name, params, last) => note({ name, params, offset: [params, last].some((x) => typeof x === "string" && x.length > 1) }));
  await client.start(0);
  return client;
}

let rooms = 0;
async function room(server, ann, ...others) {
  const { channel } = await must(server.url, "channel.create", { name: `recovery-${++rooms}` }, ann.token);
  for (const user of others) await must(server.url, "channel.join", { channel: channel.id }, user.token);
  return { id: channel.id, stream: `c:${channel.id}` };
}
const say = (server, user, { id }, text) => must(server.url, "message.send", { channel: id, text }, user.token);
const range = (word, n) => Array.from({ length: n }, (_, i) => `${word} ${i}`);

describe("on the node that had it", () => {
  let server, ann, bob;
  before(async () => {
    server = await node();
    ({ ann, bob } = await people(server.url, "ann", "bob"));
  });

  for (const [way, transports] of Object.entries(WAYS)) {
    test(`by ${way}: what was missed in every stream comes, in order and once, before what is newer`, async () => {
      const here = await room(server, ann, bob);
      const there = await room(server, ann, bob);
      const client = await connect(server, bob, { transports });
      await say(server, ann, here, "seen here");
      await say(server, ann, there, "seen there");
      await client.has(here, "seen here");
      await client.has(there, "seen there");
      await client.level();
      client.proxy.cut();
      for (let i = 0; i < 10; i++) {
        await say(server, ann, here, `here ${i}`);
        await say(server, ann, there, `there ${i}`);
      }
      client.proxy.pass();
      const again = await client.start(1);
      await say(server, ann, here, "newer");
      await client.has(here, "newer");
      await client.has(there, "there 9");
      assert.deepEqual(client.texts(here), ["seen here", ...range("here", 10), "newer"]);
      assert.deepEqual(client.texts(there), ["seen there", ...range("there", 10)]);
      assert.deepEqual(client.connections().map((e) => e.recovered).map(Boolean), [false, true]);
      assert.ok(again.channels.filter((c) => [here.id, there.id].includes(c.id)).every((c) => c.resumed));
    });
  }

  test("again and again, also while nothing happens", async () => {
    const here = await room(server, ann, bob);
    const client = await connect(server, bob);
    for (let i = 0; i < 4; i++) {
      if (i % 2) await say(server, ann, here, `${i}`).then(() => client.has(here, `${i}`));
      await client.level();
      client.proxy.reset();
      await client.start(i + 1);
    }
    assert.deepEqual(client.connections().map((e) => Boolean(e.recovered)), [false, true, true, true, true]);
    assert.deepEqual(client.texts(here), ["1", "3"]);
  });

  test("with a channel that was joined, and without one that was left, on the same connection", async () => {
    const left = await room(server, ann, bob);
    const joined = await room(server, ann);
    const client = await connect(server, bob);
    await within(WAIT_MS, "leave", client.socket.emitWithAck("channel.leave", { channel: left.id }));
    await within(WAIT_MS, "join", client.socket.emitWithAck("channel.join", { channel: joined.id }));
    await say(server, ann, joined, "seen");
    await client.has(joined, "seen");
    await client.level();
    client.proxy.cut();
    await say(server, ann, joined, "missed");
    client.proxy.pass();
    await client.has(joined, "missed");
    assert.equal(client.connections().at(-1).recovered, true);
    assert.deepEqual(client.texts(joined), ["seen", "missed"]);
  });

  test("after a restart of the server", async () => {
    const own = await node();
    const { cid, dan } = await people(own.url, "cid", "dan");
    const here = await room(own, cid, dan);
    const client = await connect(own, dan);
    await say(own, cid, here, "seen");
    await client.has(here, "seen");
    await client.level();
    client.proxy.cut();
    await own.stop();
    const next = await node([], { dataDir: own.dataDir });
    client.proxy.target = port(next);
    await say(next, cid, here, "missed");
    client.proxy.pass();
    await client.has(here, "missed");
    assert.equal(client.connections().at(-1).recovered, true);
    assert.deepEqual(client.texts(here), ["seen", "missed"]);
  });
});

describe("it is not recovered, and starts afresh,", () => {
  let server, ann, bob;
  before(async () => {
    server = await node();
    ({ ann, bob } = await people(server.url, "ann", "bob"));
  });

  const cases = {
    "when more was missed than resume_events": async (here) => {
      for (let i = 0; i < 51; i++) await say(server, ann, here, `${i}`);
    },
    "when it joined a channel meanwhile": async () => room(server, ann, bob),
    "when it left a channel meanwhile": async (here) => must(server.url, "channel.leave", { channel: here.id }, bob.token),
  };
  for (const [what, meanwhile] of Object.entries(cases)) {
    test(what, async () => {
      const here = await room(server, ann, bob);
      const other = await room(server, ann, bob);
      const client = await connect(server, bob);
      await say(server, ann, other, "seen");
      await client.has(other, "seen");
      await client.level();
      client.proxy.cut();
      await meanwhile(here);
      await say(server, ann, other, "missed");
      client.proxy.pass();
      const again = await client.start(1);
      assert.equal(again.channels.find((c) => c.id === other.id).resumed, false);
      await say(server, ann, other, "newer");
      await client.has(other, "newer");
      assert.ok(!client.connections().at(-1).recovered);
      assert.deepEqual(client.texts(other), ["seen", "newer"]);
    });
  }

  test("when it keeps positions of its own: those are served", async () => {
    const here = await room(server, ann, bob);
    const streams = {};
    const client = await connect(server, bob, { auth: { streams } });
    await say(server, ann, here, "seen");
    const { epoch, seq } = await client.until("seen", (log) => log.find((e) => e.params?.message?.text === "seen")?.params);
    streams[here.stream] = { epoch, seq: seq - 1 };
    await client.level();
    client.proxy.reset();
    const again = await client.start(1);
    assert.equal(again.channels.find((c) => c.id === here.id).resumed, true);
    await client.until("the same again", () => client.texts(here).length === 2);
    assert.ok(!client.connections().at(-1).recovered);
  });

  /** By hand: connects with AUTH; { pid, offset, started, socket }. */
  async function open(user, auth) {
    const socket = new Socket(server.url, { path: PATH });
    await socket.next();
    socket.send(`40${JSON.stringify({ token: user.token, recovery: true, ...auth })}`);
    const answer = await socket.next();
    if (answer.startsWith("44")) return { error: JSON.parse(answer.slice(2)), socket };
    const { pid } = JSON.parse(answer.slice(2));
    const [name, started, offset] = JSON.parse((await socket.next()).slice(2));
    assert.equal(name, "session.started");
    return { pid, started, offset, socket };
  }

  /** The first packet that is wanted; others are passed over. */
  async function packet(socket, wanted) {
    let text;
    do text = await socket.next();
    while (!wanted(text));
    return text;
  }

  test("whatever is given for a pid and an offset", async () => {
    const here = await room(server, ann, bob);
    const { pid, offset, socket } = await open(bob);
    const tag = pid.slice(0, 8);
    assert.equal(offset, tag);
    const seq = Number(new RegExp(`${here.stream}~[^~]*~(\\d+)`).exec(pid)[1]);
    const row = pid.split("~").filter((_, i) => i % 3 === 1).indexOf(here.stream);
    const same = await open(bob, { pid, offset });
    assert.equal(same.pid, pid, "those are good");
    assert.equal(same.offset, offset);
    same.socket.close();
    for (const [badPid, badOffset] of [
      [pid, undefined],
      [pid, ""],
      [pid, "-"],
      [pid, "BBBBBBBB"],
      [pid, `${tag},`],
      [pid, `${tag},${row}.${seq + 1}`],
      [pid, `${tag},${row}.9007199254740991`],
      [pid, `${tag},${row}.x`],
      [pid, `${tag},99999.1`],
      [pid, `${tag},c:${"x".repeat(26)}~e~1`],
      [pid, `${tag},${here.stream}~e~${seq}`],
      [tag, tag],
      ["", ""],
      ["x".repeat(40_000), "x"],
      [pid.replace(here.stream, "c:nosuch"), tag],
      [pid.replaceAll("~", "~~"), tag],
      [`${pid}~`, tag],
      [`${pid}\u0001`, tag],
    ]) {
      const { pid: fresh, started, socket: other } = await open(bob, { pid: badPid, offset: badOffset });
      assert.notEqual(fresh, badPid, badOffset);
      assert.ok(started.channels.every((c) => !c.resumed), badOffset);
      other.close();
    }
    for (const [auth, field] of [[{ pid: 5 }, "pid"], [{ pid: { a: 1 }, offset: "x" }, "pid"], [{ pid, offset: 5 }, "offset"], [{ offset: "x" }, "offset"]]) {
      const { error, socket: other } = await open(bob, auth);
      assert.equal(error.data.type, "invalid_params");
      assert.equal(error.data.field, field);
      other.close();
    }
    socket.send('421["server.info"]'); // who was there before has not noticed
    assert.match(await packet(socket, (text) => text.startsWith("431")), /"name":"parley"/);
    socket.close();
  });

  test("with the pid and offset of another account", async () => {
    await room(server, ann, bob);
    const { pid, offset, socket } = await open(ann);
    const other = await open(bob, { pid, offset });
    assert.notEqual(other.pid, pid);
    socket.close();
    other.socket.close();
  });

  test("with the offset of an event that none followed; an offset of its own follows every one", async () => {
    const here = await room(server, ann, bob);
    const { pid, socket } = await open(bob);
    await say(server, ann, here, "x");
    const event = await packet(socket, (text) => text.startsWith('42["message.created"'));
    const last = JSON.parse(event.slice(2))[2];
    const [, offset] = JSON.parse((await packet(socket, (text) => text.startsWith('42["session.offset"'))).slice(2));
    assert.equal(last, "-");
    socket.close();
    const bad = await open(bob, { pid, offset: last });
    assert.notEqual(bad.pid, pid);
    bad.socket.close();
    const good = await open(bob, { pid, offset });
    assert.equal(good.pid, pid);
    good.socket.close();
    const { 'parley_socketio_recoveries_total{outcome="resumed"}': resumed } = await metrics(server.url);
    assert.ok(resumed >= 1);
  });
});

/** Cuts at random moments, and at some when all is calm, while COUNT messages go to three channels; the client comes back to one of SERVERS. */
async function cutAtRandom(servers, ann, bob, { transports, count }) {
  const seed = chooseSeed();
  const random = new Random(seed);
  const held = transports[0] === "websocket"; // a polling client may have had no request under way, and notices nothing
  const all = [];
  for (let i = 0; i < 3; i++) all.push(await room(servers[0], ann, bob));
  const client = await connect(servers[0], bob, { transports });
  for (let i = 0; i < count; i++) {
    await say(servers[i % servers.length], ann, all[random.between(0, 2)], `${i}`);
    const calm = i % 20 === 19;
    if (!calm && !random.chance(0.05)) continue;
    if (calm) await client.level();
    const starts = client.starts();
    client.proxy.target = port(servers[random.between(0, servers.length - 1)]);
    client.proxy.reset();
    if (calm && held) await client.start(starts);
  }
  for (const one of all) while (!client.texts(one).includes("last")) await say(servers[0], ann, one, "last"); // it may start afresh
  const positions = new Map(); // the last event of each stream
  let fresh = true; // until the first session.started
  for (const { connected, recovered, name, params } of client.log) {
    if (connected) fresh = !recovered;
    if (name === "session.started" && fresh) {
      positions.clear();
      for (const { id, seq } of params.channels) positions.set(`c:${id}`, seq);
    }
    if (!params?.seq || !params.stream?.startsWith("c:")) continue;
    assert.equal(params.seq, positions.get(params.stream) + 1, `${params.stream}, seed ${seed}`);
    positions.set(params.stream, params.seq);
  }
  const n = client.connections().filter((e) => e.recovered).length;
  assert.ok(n > 0 || !held, `${n} recoveries, seed ${seed}`);
}

describe("cut at random moments: nothing is missing and nothing comes twice", () => {
  for (const [way, transports] of Object.entries(WAYS)) {
    test(`by ${way}, on one node`, async () => {
      // engine.io-client stops polling before its upgrade is through; cut right then, it waits for the next ping in vain, and comes back.
      const server = await node(["--heartbeat-ms", "2000"]);
      const { ann, bob } = await people(server.url, "ann", "bob");
      await cutAtRandom([server], ann, bob, { transports, count: 200 });
    });
  }
});

describe("on another node", () => {
  let a, b, ann, bob;
  before(async () => {
    const redis = await startRedis();
    ends.push(() => redis.stop());
    const db = await database();
    ends.push(() => db.drop());
    const shared = ["--bus", redis.uri, "--store", db.uri];
    a = await node([...shared, "--node-name", "a"]);
    b = await node([...shared, "--node-name", "b"]);
    ({ ann, bob } = await people(a.url, "ann", "bob"));
  });

  test("what was missed in every stream comes, in order and once, before what is newer", async () => {
    const here = await room(a, ann, bob);
    const there = await room(a, ann, bob);
    const client = await connect(a, bob);
    await say(a, ann, here, "seen");
    await client.has(here, "seen");
    await client.level();
    client.proxy.cut();
    for (let i = 0; i < 10; i++) await say(i % 2 ? a : b, ann, i % 3 ? here : there, `${i}`);
    client.proxy.target = port(b);
    client.proxy.pass();
    const again = await client.start(1);
    assert.equal(again.server.node === (await client.start(0)).server.node, false);
    await say(a, ann, here, "newer");
    await client.has(here, "newer");
    await client.has(there, "9");
    assert.equal(client.connections().at(-1).recovered, true);
    assert.deepEqual(client.texts(here), ["seen", "1", "2", "4", "5", "7", "8", "newer"]);
    assert.deepEqual(client.texts(there), ["0", "3", "6", "9"]);
  });

  test("cut at random moments, now here and now there: nothing is missing and nothing comes twice", async () => {
    await cutAtRandom([a, b], ann, bob, { transports: ["websocket"], count: 200 });
  });

  test("also when the one that had it is gone", async () => {
    const here = await room(b, ann, bob);
    const client = await connect(b, bob);
    await say(b, ann, here, "seen");
    await client.has(here, "seen");
    await client.level();
    client.proxy.cut();
    await b.stop();
    await say(a, ann, here, "missed");
    client.proxy.target = port(a);
    client.proxy.pass();
    await client.has(here, "missed");
    assert.equal(client.connections().at(-1).recovered, true);
    assert.deepEqual(client.texts(here), ["seen", "missed"]);
  });
});
