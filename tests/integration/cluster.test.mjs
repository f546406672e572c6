// Two nodes and more: one Redis between them, one MongoDB behind them.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { Client } from "../lib/client.mjs";
import { database } from "../lib/mongo.mjs";
import { call, start, temporaryFolder } from "../lib/parleyd.mjs";
import { login, must, people } from "../lib/people.mjs";
import { eventually, metrics } from "../lib/process.mjs";
import { startRedis } from "../lib/redis.mjs";

const { PARLEYD, PARLEYCTL } = process.env;
const FOUND_MS = process.env.PARLEY_MODE === "release" ? 2000 : 4000; // what Redis lost is found; sanitizers make a node slow
const OFFLINE_MS = 10_000; // a killed node's users are offline by then

let redis;
let db;
before(async () => {
  redis = await startRedis();
  db = await database();
});
after(async () => {
  await redis.stop();
  await db.drop();
});

let prefixes = 0;
const servers = [];
const clients = [];
after(async () => {
  for (const client of clients) await client.vanish();
  for (const server of servers) if (server.running) await server.stop();
});

/** A node on the Redis and the database of this file, or of others. */
async function node(name, { prefix, bus = redis.uri, store = db.uri, env = {} } = {}) {
  const server = await start({
    args: ["--bus", bus, "--store", store, "--node-name", name, ...(prefix ? ["--bus-prefix", prefix] : [])],
    env: { PARLEY_RATE_LIMITS: "off", ...env },
  });
  server.name = name;
  server.running = true;
  server.exited.then(() => (server.running = false));
  servers.push(server);
  return server;
}

/** Nodes that know each other, in a cluster of their own. */
async function cluster(...names) {
  const prefix = `test${++prefixes}`;
  const nodes = [];
  for (const name of names) nodes.push(await node(name, { prefix }));
  await Promise.all(nodes.map((one) => knows(one, names)));
  return { prefix, nodes };
}

const nodesOf = (server) => JSON.parse(ctl(server, "--json", "node", "list").stdout).nodes;
const knows = (server, names) =>
  eventually(`${server.name} knows ${names}`, () => {
    const known = nodesOf(server).map((one) => one.name);
    return JSON.stringify(known) === JSON.stringify([...names].sort());
  });

function ctl(server, ...args) {
  return spawnSync(PARLEYCTL, ["--data", server.dataDir, ...args], { encoding: "utf8" });
}

async function open(server, user, streams) {
  const client = await Client.open(server.url, { token: user.token, streams });
  clients.push(client);
  return client;
}

/** A parleyd that is to end by itself: { code, stderr }. */
function refused(...args) {
  const end = spawnSync(PARLEYD, ["--listen", "127.0.0.1:0", "--data", temporaryFolder(), ...args], {
    encoding: "utf8",
    timeout: 30_000,
  });
  return { code: end.status, stderr: end.stderr };
}

const texts = (client, stream) => client.log(stream).map((e) => e.params.message?.text ?? e.method);

let names = 0;
/** Two nodes, ann and bob with accounts, a channel with both in it. */
async function scene() {
  const { prefix, nodes: [a, b] } = await cluster("a", "b");
  const [annName, bobName] = [`ann${++names}`, `bob${names}`];
  const made = await people(a.url, annName, bobName);
  const [ann, bob] = [made[annName], made[bobName]];
  const { channel } = await must(a.url, "channel.create", { name: `room${names}`, type: "public" }, ann.token);
  await must(a.url, "channel.invite", { channel: channel.id, user: bob.id }, ann.token);
  return { prefix, a, b, ann, bob, channel: channel.id, stream: `c:${channel.id}` };
}

const say = (server, user, channel, text, more = {}) =>
  must(server.url, "message.send", { channel, text, ...more }, user.token).then((r) => r.message);

describe("one chat over two nodes", () => {
  let s, ann, bob;
  before(async () => {
    s = await scene();
    ann = await open(s.a, s.ann);
    bob = await open(s.b, s.bob);
  });

  test("a message sent at one node reaches the members at both, in one order", async () => {
    const sent = [];
    for (let i = 0; i < 20; i++) {
      const [server, user] = i % 2 ? [s.a, s.ann] : [s.b, s.bob];
      sent.push((await say(server, user, s.channel, `text ${i}`)).seq);
    }
    for (const client of [ann, bob]) {
      await client.until("all of them", () => client.log(s.stream).at(-1)?.params.seq === sent.at(-1));
      assert.deepEqual(texts(client, s.stream).filter((t) => t.startsWith("text")), sent.map((_, i) => `text ${i}`));
      const seqs = client.log(s.stream).map((e) => e.params.seq);
      assert.deepEqual(seqs, seqs.map((_, i) => seqs[0] + i));
    }
    assert.ok((await metrics(s.b.url)).parley_bus_received_total > 0, "they came through Redis");
  });

  test("senders at both nodes at once: everybody sees the same", async () => {
    const sends = [];
    for (let i = 0; i < 100; i++) {
      sends.push(ann.request("message.send", { channel: s.channel, text: `a${i}` }));
      sends.push(bob.request("message.send", { channel: s.channel, text: `b${i}` }));
    }
    const last = Math.max(...(await Promise.all(sends)).map((r) => r.message.seq));
    for (const client of [ann, bob]) {
      await client.until("all of them", () => client.log(s.stream).at(-1)?.params.seq >= last);
      assert.deepEqual(texts(client, s.stream).filter((t) => /^a\d+$/.test(t)), Array.from({ length: 100 }, (_, i) => `a${i}`));
    }
    const common = (client) => texts(client, s.stream).slice(-200);
    assert.deepEqual(common(ann), common(bob));
  });

  test("a retried send to the other node is one message", async () => {
    const first = await say(s.a, s.ann, s.channel, "once", { client_msg_id: "retried-1" });
    const again = await say(s.b, s.ann, s.channel, "once", { client_msg_id: "retried-1" });
    assert.equal(again.id, first.id);
  });

  test("a session resumes at another node", async () => {
    const here = await open(s.a, s.bob);
    const { epoch, seq } = here.started.channels.find((c) => c.id === s.channel);
    await here.vanish();
    const missed = await say(s.a, s.ann, s.channel, "missed");
    const back = await open(s.b, s.bob, { [s.stream]: { epoch, seq } });
    await back.until("the missed one", () => back.log(s.stream).at(-1)?.params.seq === missed.seq);
    assert.deepEqual(texts(back, s.stream), ["missed"]);
  });

  test("typing and names are seen across nodes", async () => {
    await bob.request("typing.start", { channel: s.channel });
    await ann.event("typing", (p) => p.user === s.bob.id && p.channel === s.channel);
    await must(s.b.url, "user.update", { display_name: "Bobby" }, s.bob.token);
    await ann.event("user.updated", (p) => p.user.display_name === "Bobby");
  });

  test("reading at one node is known to the same person at the other", async () => {
    const other = await open(s.a, s.bob);
    const { seq } = await say(s.a, s.ann, s.channel, "read me");
    await bob.until("the message", () => bob.log(s.stream).at(-1)?.params.seq === seq);
    await bob.request("read.mark", { channel: s.channel, seq });
    await other.event("read.updated", (p) => p.channel === s.channel && p.last_read_seq === seq);
  });

  test("a channel that one is invited to at another node opens by itself", async () => {
    const { channel } = await must(s.a.url, "channel.create", { name: `late${names}`, type: "private" }, s.ann.token);
    await must(s.a.url, "channel.invite", { channel: channel.id, user: s.bob.id }, s.ann.token);
    await bob.event("channel.joined", (p) => p.channel.id === channel.id);
    await say(s.a, s.ann, channel.id, "welcome");
    await bob.event("message.created", (p) => p.message.text === "welcome");
  });

  test("a session that is ended at one node ends at the other", async () => {
    const second = await login(s.a.url, s.bob.name);
    const there = await open(s.b, second);
    await must(s.a.url, "auth.revoke", { session: second.session }, s.bob.token);
    assert.equal((await there.ended).code, 4002);
    assert.equal(bob.closed, null, "the other session goes on");
  });

  test("a bot's token that one node gave is good at the other, for its channel only, and ends there with the bot", async () => {
    const { user: bot } = await must(s.a.url, "bot.create", { name: `bot${names}`.toLowerCase().replace(/[^a-z0-9]/g, "-") }, s.ann.token);
    const other = (await must(s.a.url, "channel.create", { name: `other${names}` }, s.ann.token)).channel;
    for (const channel of [s.channel, other.id]) await must(s.a.url, "channel.invite", { channel, user: bot.id }, s.ann.token);
    const { secret } = await must(s.a.url, "token.create", { name: "t", scopes: ["messages:read"], channels: [s.channel], user: bot.id }, s.ann.token);
    const there = await open(s.b, { token: secret });
    await say(s.a, s.ann, other.id, "hidden");
    await say(s.a, s.ann, s.channel, "for the bot");
    await there.event("message.created", (p) => p.message.text === "for the bot");
    assert.ok(there.log().every((e) => e.params.stream === s.stream));
    await must(s.a.url, "bot.disable", { bot: bot.id, disabled: true }, s.ann.token);
    assert.equal((await there.ended).code, 4002);
    assert.equal((await call(s.b.url, "message.get", { message: "x" }, secret)).status, 401);
  });

  test("wrong passwords at one node slow down the other", async () => {
    const wrong = (server) => call(server.url, "auth.login", { name: s.ann.name, password: "not the password" });
    for (let i = 0; i < 5; i++) assert.equal((await wrong(s.a)).status, 401);
    const { body } = await eventually("the other node to know", async () => {
      const answer = await wrong(s.b);
      return answer.status === 429 && answer;
    });
    assert.equal(body.type, "rate_limited");
  });
});

describe("a cluster that is new", () => {
  test("comes up although all nodes start at once on an empty database", async () => {
    for (let round = 0; round < 3; round++) {
      const store = await database();
      const prefix = `test${++prefixes}`;
      const names = ["a", "b", "c"];
      const nodes = await Promise.all(names.map((name) => node(name, { prefix, store: store.uri })));
      await Promise.all(nodes.map((one) => knows(one, names)));
      await Promise.all(nodes.map((one) => one.stop()));
      await store.drop();
    }
  });
});

describe("limits of a cluster", () => {
  test("accounts made at one node count for the address at the other", async () => {
    const prefix = `test${++prefixes}`;
    const env = { PARLEY_RATE_LIMITS: "on", PARLEY_REGISTRATIONS_PER_ADDRESS: "6" };
    const [a, b] = [await node("a", { prefix, env }), await node("b", { prefix, env })];
    await Promise.all([a, b].map((one) => knows(one, ["a", "b"])));
    // A name that is refused later on is an attempt, too.
    const attempt = (server) => call(server.url, "auth.register", { name: `reg${++names}`, password: "correct horse" });
    for (let i = 0; i < 4; i++) assert.equal((await attempt(a)).status, 200);
    let made = 0;
    const { body } = await eventually("the other node to refuse", async () => {
      const answer = await attempt(b);
      if (answer.status === 429) return answer;
      assert.equal(answer.status, 200);
      made++;
    });
    assert.equal(body.type, "rate_limited");
    assert.ok(made < 6, `${made} more at the other node`);
  });

  test("secrets guessed wrong at one node count for the address at the other", async () => {
    const prefix = `test${++prefixes}`;
    const env = { PARLEY_RATE_LIMITS: "on", PARLEY_GUESSES_PER_ADDRESS: "6" };
    const [a, b] = [await node("a", { prefix, env }), await node("b", { prefix, env })];
    await Promise.all([a, b].map((one) => knows(one, ["a", "b"])));
    const guess = async (server, n) => (await call(server.url, "channel.list", {}, `guess-${n}`)).status;
    for (let i = 0; i < 5; i++) assert.equal(await guess(a, i), 401);
    let wrong = 0;
    await eventually("the other node to refuse", async () => {
      const status = await guess(b, `b${wrong}`);
      if (status === 429) return true;
      assert.equal(status, 401);
      wrong++;
    });
    assert.ok(wrong < 6, `${wrong} more at the other node`);
  });
});

describe("what Redis loses", () => {
  test("is found in the store within two seconds, without an event after it", async () => {
    // Two clusters by their prefixes: nothing of the one is heard by the other, as if Redis lost all of it.
    const store = await database();
    const deaf = await node("deaf", { prefix: "deaf", store: store.uri });
    const mute = await node("mute", { prefix: "mute", store: store.uri });
    const { ann } = await people(mute.url, "ann");
    const { channel } = await must(mute.url, "channel.create", { name: "room", type: "public" }, ann.token);
    const client = await open(deaf, ann);
    await say(mute, ann, channel.id, "first"); // however it comes: the node may just be looking for the stream's top
    await client.event("message.created", (p) => p.message.text === "first");
    for (let i = 0; i < 3; i++) {
      const { seq } = await say(mute, ann, channel.id, `lost ${i}`);
      const found = Date.now();
      await client.until("the lost one", () => client.log(`c:${channel.id}`).at(-1)?.params.seq === seq);
      assert.ok(Date.now() - found < FOUND_MS, `found after ${Date.now() - found} ms`);
    }
    assert.deepEqual(texts(client, `c:${channel.id}`), ["first", "lost 0", "lost 1", "lost 2"]);
    const seen = await metrics(deaf.url);
    assert.ok(seen.parley_hub_check_found_total >= 3);
    assert.ok(seen.parley_hub_gaps_repaired_total >= 3);
    assert.ok(seen.parley_hub_repair_seconds_count >= 3);
    await store.drop();
  });

  test("a Redis that is killed and comes back empty costs nothing but time", async () => {
    const own = await startRedis();
    const prefix = "killed";
    const a = await node("a", { prefix, bus: own.uri });
    const b = await node("b", { prefix, bus: own.uri });
    await knows(a, ["a", "b"]);
    const name = `cid${++names}`;
    const { [name]: cid } = await people(a.url, name);
    const { channel } = await must(a.url, "channel.create", { name: `kill${names}`, type: "public" }, cid.token);
    const stream = `c:${channel.id}`;
    const client = await open(b, cid);
    await say(a, cid, channel.id, "before");
    await client.event("message.created", (p) => p.message.text === "before");
    await own.kill();
    await eventually("the node to notice", async () => (await fetch(`${b.url}/readyz`)).status === 503);
    assert.match(await (await fetch(`${b.url}/readyz`)).text(), /the bus is away/);
    await say(a, cid, channel.id, "during");
    await client.event("message.created", (p) => p.message.text === "during");
    await own.restart();
    await eventually("both to be ready", async () => {
      const states = await Promise.all([a, b].map((s) => fetch(`${s.url}/readyz`)));
      return states.every((state) => state.status === 200);
    });
    await knows(a, ["a", "b"]);
    await knows(b, ["a", "b"]);
    const before = (await metrics(b.url)).parley_bus_received_total;
    const { seq } = await say(a, cid, channel.id, "after");
    await client.until("all", () => client.log(stream).at(-1)?.params.seq === seq);
    assert.deepEqual(texts(client, stream), ["before", "during", "after"]);
    assert.ok((await metrics(b.url)).parley_bus_received_total > before, "it came through Redis again");
    await own.stop();
  });

  test("the end of a session reaches other nodes even then", async () => {
    const own = await startRedis();
    const a = await node("a", { prefix: "revoke", bus: own.uri });
    const b = await node("b", { prefix: "revoke", bus: own.uri });
    await knows(a, ["a", "b"]);
    const [owner, name] = [`own${++names}`, `eve${names}`];
    const made = await people(a.url, owner, name);
    const second = await login(a.url, name);
    const kept = await open(b, made[name]);
    const ended = await open(b, second);
    await own.kill();
    await eventually("the node to notice", async () => (await fetch(`${b.url}/readyz`)).status === 503);
    await must(a.url, "auth.revoke", { session: second.session }, made[name].token);
    assert.equal((await ended.ended).code, 4002);
    assert.equal(kept.closed, null);
    await own.restart();
    await eventually("the node to be ready", async () => (await fetch(`${b.url}/readyz`)).status === 200);
    assert.equal(kept.closed, null);
    await own.stop();
  });

  test("a full Redis does not keep nodes apart", async () => {
    const own = await startRedis({ config: ["maxmemory-policy noeviction"] });
    const a = await node("a", { prefix: "full", bus: own.uri });
    const b = await node("b", { prefix: "full", bus: own.uri });
    await knows(a, ["a", "b"]);
    await own.command("CONFIG", "SET", "maxmemory", "1");
    await assert.rejects(own.command("SET", "x", "y"), /OOM/);
    const name = `dan${++names}`;
    const { [name]: dan } = await people(a.url, name);
    const { channel } = await must(a.url, "channel.create", { name: `full${names}`, type: "public" }, dan.token);
    const client = await open(b, dan);
    await say(a, dan, channel.id, "still");
    await client.event("message.created", (p) => p.message.text === "still");
    const { code, stderr } = refused("--bus", own.uri, "--bus-prefix", "full", "--node-name", "c", "--store", db.uri);
    assert.equal(code, 1);
    assert.match(stderr, /refused by Redis.*OOM/);
    await own.stop();
  });

  test("what strangers publish is counted and dropped", async () => {
    const s = await scene();
    const bob = await open(s.b, s.bob);
    await say(s.a, s.ann, s.channel, "first");
    await bob.event("message.created", (p) => p.message.text === "first");
    for (const bytes of ["", "nonsense", "\u0005\u0000\u0000\u0000\u0000", "x".repeat(600_000)]) {
      await redis.command("PUBLISH", `${s.prefix}:s:${s.stream}`, bytes);
      await redis.command("PUBLISH", `${s.prefix}:ctl`, bytes);
    }
    await eventually("all to be counted", async () => {
      const seen = await metrics(s.b.url);
      return (
        seen['parley_bus_rejected_total{reason="malformed"}'] === 6 &&
        seen['parley_bus_rejected_total{reason="oversize"}'] === 2
      );
    });
    await say(s.a, s.ann, s.channel, "second");
    await bob.event("message.created", (p) => p.message.text === "second");
    assert.deepEqual(texts(bob, s.stream), ["first", "second"]);
  });
});

describe("who is there", () => {
  const presence = (server, user, of) =>
    must(server.url, "presence.get", { users: [of.id] }, user.token).then((r) => r.presence[of.id]);
  const told = (client, user, state) => client.event("presence.changed", (p) => p.user === user.id && p.state === state);

  test("is known and told across nodes, and goes offline with a killed node", async () => {
    const s = await scene();
    const ann = await open(s.a, s.ann);
    const bob = await open(s.b, s.bob);
    await told(ann, s.bob, "online");
    await eventually("a to know of bob", async () => (await presence(s.a, s.ann, s.bob)) === "online");
    await bob.request("presence.set", { state: "dnd" });
    await told(ann, s.bob, "dnd");
    assert.equal(await presence(s.a, s.ann, s.bob), "dnd");
    await s.b.kill();
    const killed = Date.now();
    await told(ann, s.bob, "offline");
    assert.ok(Date.now() - killed < OFFLINE_MS, `offline after ${Date.now() - killed} ms`);
    assert.equal(await presence(s.a, s.ann, s.bob), "offline");
  });

  test("does not flap for who goes from node to node", async () => {
    const s = await scene();
    const ann = await open(s.a, s.ann);
    const first = await open(s.b, s.bob);
    await told(ann, s.bob, "online");
    await first.vanish();
    await open(s.a, s.bob);
    const holders = async () => {
      const list = await redis.command("KEYS", `${s.prefix}:presence:*`);
      const counts = await Promise.all(list.map((key) => redis.command("HEXISTS", key, s.bob.id)));
      return counts.reduce((sum, n) => sum + n, 0);
    };
    // b lets go of bob after its grace time; then somebody new is told of, which comes after whatever b had to say
    await eventually("both to have bob", async () => (await holders()) === 2);
    await eventually("b to let go", async () => (await holders()) === 1);
    const eve = `eve${++names}`;
    const { [eve]: third } = await people(s.b.url, eve);
    await must(s.b.url, "channel.join", { channel: s.channel }, third.token);
    await open(s.b, third);
    await told(ann, third, "online");
    const states = ann.events.filter((e) => e.method === "presence.changed" && e.params.user === s.bob.id);
    assert.deepEqual(states.map((e) => e.params.state), ["online"]);
  });
});

describe("the nodes", () => {
  test("are listed, and drained from one another", async () => {
    const { nodes: [a, b] } = await cluster("chat-1", "chat-2");
    const table = ctl(a, "node", "list").stdout;
    assert.match(table, /^NODE +VERSION +CONNECTIONS +LAG +UPTIME +STATE$/m);
    assert.match(table, /^chat-2 .* serving$/m);
    assert.deepEqual(nodesOf(b).map((one) => [one.name, one.self]), [["chat-1", false], ["chat-2", true]]);
    const unknown = ctl(a, "node", "drain", "chat-3");
    assert.equal(unknown.status, 6);
    assert.match(unknown.stderr, /no node of that name/);
    const drained = ctl(a, "node", "drain", "chat-2", "--wait");
    assert.equal(drained.status, 0, drained.stderr);
    assert.deepEqual(await b.exited, { code: 0, signal: null });
    assert.deepEqual(nodesOf(a).map((one) => one.name), ["chat-1"]);
  });

  test("have names of their own", async () => {
    const { prefix, nodes: [one] } = await cluster("only");
    const second = refused("--bus", redis.uri, "--bus-prefix", prefix, "--node-name", "only", "--store", db.uri);
    assert.equal(second.code, 1);
    assert.match(second.stderr, /a node called only in this cluster already/);
    assert.match(second.stderr, /--node-name/);
    await one.kill();
    const again = await node("only", { prefix });
    assert.equal(nodesOf(again).length, 1, "a name that its node left behind is free again");
  });

  test("need an address that is right, and say what is wrong", async () => {
    const cases = [
      ["rediss://localhost", /TLS.*not built in.*stunnel/],
      ["redis://127.0.0.1:1", /cannot reach Redis at 127\.0\.0\.1:1: .*refused.*--bus/],
      ["redis://no.such.host.invalid", /cannot reach Redis at no\.such\.host\.invalid:6379/],
      ["http://localhost", /not understood.*redis:\/\//],
      [`${redis.uri}/99`, /refused by Redis.*the number of the database/],
      [redis.uri.replace("://", "://who:hidden@"), /refused by Redis.*correct user and password/],
    ];
    for (const [bus, message] of cases) {
      const { code, stderr } = refused("--bus", bus);
      assert.equal(code, 1, bus);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /hidden/);
    }
    const prefix = refused("--bus", redis.uri, "--bus-prefix", "No Good");
    assert.equal(prefix.code, 1);
    assert.match(prefix.stderr, /bus_prefix must be/);
  });

  test("do not take a second first account", async () => {
    const store = await database();
    const env = { PARLEY_REGISTRATION: "closed" };
    const a = await node("a", { prefix: "first", store: store.uri, env });
    const b = await node("b", { prefix: "first", store: store.uri, env });
    await people(a.url, "owner");
    const { status } = await call(b.url, "auth.register", { name: "stranger", password: "correct horse battery" });
    assert.equal(status, 403);
    await store.drop();
  });

  test("sign in to a Redis that asks for it", async () => {
    const own = await startRedis({ user: { name: "parley", password: "p@ss:w/rd" } });
    const a = await node("a", { prefix: "acl", bus: own.uri });
    const b = await node("b", { prefix: "acl", bus: own.uri });
    await knows(a, ["a", "b"]);
    for (const server of [a, b]) {
      assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
      assert.doesNotMatch(server.log(), /p@ss|p%40ss/);
    }
    await own.stop();
  });
});
