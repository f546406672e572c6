// Recent history from Redis: it says what the database says, whatever happens to what is in Redis.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Client } from "../lib/client.mjs";
import { database, startMongo, uriOf } from "../lib/mongo.mjs";
import { call, start } from "../lib/parleyd.mjs";
import { must, people } from "../lib/people.mjs";
import { eventually, metrics } from "../lib/process.mjs";
import { startRedis } from "../lib/redis.mjs";

const WINDOW = 200; // events of a channel that are kept

let redis;
let db;
before(async () => {
  redis = await startRedis();
  db = await database();
});
const servers = [];
const clients = [];
after(async () => {
  for (const client of clients) await client.vanish();
  for (const server of servers) await server.stop();
  await redis.stop();
  await db.drop();
});

async function node(name, prefix, { bus = redis.uri, store = db.uri, args = [] } = {}) {
  const server = await start({
    args: ["--bus", bus, "--store", store, "--node-name", name, "--bus-prefix", prefix, ...args],
    env: { PARLEY_RATE_LIMITS: "off" },
  });
  servers.push(server);
  return server;
}

async function open(server, user, streams) {
  const client = await Client.open(server.url, { token: user.token, streams });
  clients.push(client);
  return client;
}

let scenes = 0;
/** Two nodes; ann is connected to the one, bob to the other, both are in a channel. */
async function scene(options) {
  const n = ++scenes;
  const prefix = `cache${n}`;
  const [a, b] = [await node("a", prefix, options), await node("b", prefix, options)];
  const made = await people(a.url, `ann${n}`, `bob${n}`);
  const [ann, bob] = [made[`ann${n}`], made[`bob${n}`]];
  const { channel } = await must(a.url, "channel.create", { name: `room${n}`, type: "private" }, ann.token);
  await must(a.url, "channel.invite", { channel: channel.id, user: bob.id }, ann.token);
  const s = { a, b, ann, bob, channel: channel.id, stream: `c:${channel.id}`, key: `${prefix}:r:c:${channel.id}` };
  s.atA = await open(a, ann);
  s.atB = await open(b, bob);
  s.say = (text, user = ann, server = a) =>
    must(server.url, "message.send", { channel: s.channel, text }, user.token).then((r) => r.message);
  s.edit = (message, text) => must(a.url, "message.edit", { message: message.id, text }, ann.token);
  s.delete = (message) => must(a.url, "message.delete", { message: message.id }, ann.token);
  return s;
}

const outcomes = async (server, what = "history") => {
  const all = await metrics(server.url);
  const of = (outcome) => all[`parley_cache_${what}_total{outcome="${outcome}"}`];
  return { hit: of("hit"), gap: of("gap"), older: of("older"), wrong: of("wrong"), deletion: of("deletion"), late: of("slow") + of("away"), reads: all.parley_store_reads_total };
};

/** Asks until the cache has answered: its answer, which is level with what that node has heard. */
const fromCache = (s, params = {}) =>
  eventually("an answer from the cache", async () => {
    const { hit } = await outcomes(s.b);
    const answer = await s.atB.request("message.history", { channel: s.channel, ...params });
    return (await outcomes(s.b)).hit > hit && answer;
  });

/** What the database says: a request over HTTP is level with nothing. */
const fromStore = (s, params = {}) => must(s.a.url, "message.history", { channel: s.channel, ...params }, s.ann.token);

async function agrees(s, params) {
  await level(s);
  assert.deepEqual(await fromCache(s, params), await fromStore(s, params), JSON.stringify(params));
}

/** Both connections have all that is in the channel. */
async function level(s) {
  const { seq } = (await must(s.a.url, "channel.get", { channel: s.channel }, s.ann.token)).channel;
  for (const client of [s.atA, s.atB]) await client.until(`event ${seq}`, (c) => (c.log(s.stream).at(-1)?.params.seq ?? 0) >= seq);
}

describe("recent history from the cache", () => {
  let s;
  const sent = [];
  before(async () => {
    s = await scene();
    for (let i = 0; i < 60; i++) sent.push(await s.say(`text ${i}`, ...(i % 3 ? [] : [s.bob, s.b])));
  });

  test("what was written at both nodes is there, and the database is not asked", async () => {
    await agrees(s);
    const before = await outcomes(s.b);
    for (let i = 0; i < 20; i++) {
      const { seq } = await s.say(`more ${i}`);
      await s.atB.event("message.created", (p) => p.stream === s.stream && p.seq === seq);
      const { messages } = await s.atB.request("message.history", { channel: s.channel, limit: 10 });
      assert.equal(messages.at(-1).text, `more ${i}`);
    }
    const now = await outcomes(s.b);
    // On a busy machine Redis may be given up for the store, and left alone for a while; that is no miss.
    const [hits, late] = [now.hit - before.hit, now.late - before.late];
    assert.ok(hits + late >= 19 && hits >= 5, `${hits} of 20 came from the cache, ${late} were late: ${JSON.stringify([before, now])}`);
  });

  test("how often it has answered is in the figures that parleyctl stats shows", async () => {
    const before = await must(s.b.url, "admin.stats", {}, s.ann.token);
    await fromCache(s);
    const now = await must(s.b.url, "admin.stats", {}, s.ann.token);
    assert.ok(now.cache_hits > before.cache_hits);
    assert.ok(now.cache_questions >= now.cache_hits);
    assert.equal(now.cache_hit_percent, Math.floor((now.cache_hits * 100) / now.cache_questions));
  });

  test("every page of the window is what the database says", async () => {
    for (const limit of [1, 7, 50])
      for (const where of [{}, { before: sent[40].seq }, { before: sent[59].seq }, { after: sent[30].seq }, { after: sent[59].seq },
        { around: sent[45].seq }, { around: sent[59].seq }, { before: 1 }, { after: 0 }])
        await agrees(s, { ...where, limit });
  });

  test("edits are seen, also of a message that is older than the page", async () => {
    await s.edit(sent.at(-1), "edited");
    await s.edit(sent[2], "edited too");
    await agrees(s);
    await agrees(s, { before: sent[5].seq });
    assert.ok((await fromCache(s, { limit: 50 })).messages.some((m) => m.text === "edited"));
  });

  test("text that was deleted is gone from the answers and from Redis", async () => {
    const { seq } = await s.say("a secret that nobody should keep");
    await level(s);
    const secret = (await fromCache(s)).messages.at(-1);
    assert.equal(secret.seq, seq);
    const kept = async () => (await redis.command("ZRANGE", s.key, "0", "-1")).some((entry) => entry.includes("a secret that"));
    assert.ok(await kept(), "while it is there it is kept");
    await s.delete(secret);
    await level(s);
    assert.equal((await s.atB.request("message.history", { channel: s.channel })).messages.at(-1).text, undefined);
    await eventually("no trace of it", async () => !(await kept()), 2000);
    await agrees(s);
    assert.ok(!(await kept()));
  });

  test("a new name of an author that was given at the other node is in the answer", async () => {
    await fromCache(s);
    await must(s.a.url, "user.update", { display_name: "Ann of Cleves" }, s.ann.token);
    await s.atB.event("user.updated", (p) => p.user.display_name === "Ann of Cleves");
    const { users } = await fromCache(s);
    assert.equal(users.find((u) => u.id === s.ann.id).display_name, "Ann of Cleves");
  });

  test("Redis keeps a bounded number of events, and not for ever", async () => {
    for (let i = 0; i < WINDOW + 40; i += 40)
      await Promise.all(Array.from({ length: 40 }, (_, k) => s.say(`many ${i + k}`)));
    await level(s);
    await eventually("it to be trimmed", async () => (await redis.command("ZCARD", s.key)) <= WINDOW + 16);
    assert.ok((await redis.command("PTTL", s.key)) > 0);
    await agrees(s, { limit: 150 });
    const { older } = await outcomes(s.b);
    const old = await s.atB.request("message.history", { channel: s.channel, before: sent[3].seq });
    assert.deepEqual(old, await fromStore(s, { before: sent[3].seq }));
    assert.equal((await outcomes(s.b)).older, older + 1);
  });

  test("a client that was away gets what it missed from the cache", async () => {
    const top = s.atB.log(s.stream).at(-1).params;
    const from = { epoch: top.epoch, seq: top.seq - 120 };
    const { hit } = await outcomes(s.b, "resume");
    const back = await open(s.b, s.bob, { [s.stream]: from });
    await back.until("all of it", (c) => c.log(s.stream).at(-1)?.params.seq === top.seq);
    assert.equal((await outcomes(s.b, "resume")).hit, hit + 1);
    const { events } = await must(s.a.url, "stream.events", { stream: s.stream, epoch: top.epoch, after: from.seq, limit: 200 }, s.ann.token);
    assert.deepEqual(back.log(s.stream).map(({ method, params }) => ({ method, params })), events);
  });

  test("what was deleted while it was away is not in what it missed", async () => {
    const secret = await s.say("another secret");
    for (let i = 0; i < 40; i++) await s.say(`after it ${i}`);
    await s.delete(secret);
    await level(s);
    const top = s.atB.log(s.stream).at(-1).params;
    const { deletion, gap } = await outcomes(s.b, "resume");
    const back = await open(s.b, s.bob, { [s.stream]: { epoch: top.epoch, seq: secret.seq - 1 } });
    await back.until("all of it", (c) => c.log(s.stream).at(-1)?.params.seq === top.seq);
    assert.ok(!JSON.stringify(back.log(s.stream)).includes("another secret"));
    const now = await outcomes(s.b, "resume");
    assert.equal(now.deletion + now.gap, deletion + gap + 1, "the database was asked");
  });

  test("who was removed is not answered from the cache", async () => {
    await fromCache(s);
    await must(s.a.url, "channel.remove", { channel: s.channel, user: s.bob.id }, s.ann.token);
    await s.atB.event("channel.left", (p) => p.stream === `u:${s.bob.id}`);
    await assert.rejects(s.atB.request("message.history", { channel: s.channel }), { type: "not_found" });
    await must(s.a.url, "channel.invite", { channel: s.channel, user: s.bob.id }, s.ann.token);
    await s.atB.until("to be back", (c) => c.log(s.stream).at(-1)?.method === "member.joined");
    await agrees(s);
  });
});

describe("whatever is in Redis", () => {
  let s;
  before(async () => {
    s = await scene();
    for (let i = 0; i < 80; i++) await s.say(`text ${i}`);
    await agrees(s);
  });

  test("an empty one is filled again", async () => {
    await redis.command("FLUSHALL");
    assert.deepEqual((await s.atB.request("message.history", { channel: s.channel })), await fromStore(s));
    await agrees(s);
    await redis.command("DEL", s.key);
    await s.say("one after it");
    await agrees(s);
  });

  const entries = () => redis.command("ZCARD", s.key);
  const poisons = {
    "a key of another type": async () => {
      await redis.command("DEL", s.key);
      await redis.command("SET", s.key, "what?");
    },
    "garbage among the entries": async (seq) => {
      await redis.command("ZREMRANGEBYSCORE", s.key, String(seq - 3), String(seq));
      await redis.command("ZADD", s.key, String(seq - 3), "garbage", String(seq - 2), Buffer.from([5, 0, 0, 0, 0]));
    },
    "entries far too large": async (seq) => {
      await redis.command("ZREMRANGEBYSCORE", s.key, String(seq - 40), String(seq - 40));
      await redis.command("ZADD", s.key, String(seq - 40), "x".repeat(300_000));
    },
    "a hole": (seq) => redis.command("ZREMRANGEBYSCORE", s.key, String(seq - 40), String(seq - 38)),
    "entries of another channel": async (seq) => {
      const other = await must(s.a.url, "channel.create", { name: `other${seq}`, type: "public" }, s.ann.token);
      await must(s.a.url, "message.send", { channel: other.channel.id, text: "elsewhere" }, s.ann.token);
      const name = s.key.replace(s.channel, other.channel.id);
      await eventually("it to be kept", async () => (await redis.command("ZCARD", name)) > 1);
      await redis.command("ZUNIONSTORE", s.key, "1", name);
    },
  };
  for (const [what, poison] of Object.entries(poisons))
    test(`${what}: never a wrong answer, and it is mended`, async () => {
      for (let i = 0; i < 40; i++) await s.say(`${what} ${i}`); // beyond what the node has at hand
      await agrees(s);
      await poison((await s.say("last")).seq);
      await level(s);
      assert.deepEqual(await s.atB.request("message.history", { channel: s.channel }), await fromStore(s));
      await agrees(s);
      await agrees(s, { limit: 100 });
      assert.ok((await entries()) > 50);
    });

  test("a Redis that has come back empty, or old", async () => {
    const old = await redis.command("ZRANGE", s.key, "0", "-1", "WITHSCORES");
    for (let i = 0; i < 60; i++) await s.say(`newer ${i}`);
    await level(s);
    await redis.command("DEL", s.key);
    for (let i = 0; i < old.length; i += 2) await redis.command("ZADD", s.key, old[i + 1], old[i]);
    assert.deepEqual(await s.atB.request("message.history", { channel: s.channel }), await fromStore(s));
    await agrees(s);
  });
});

describe("what is away", () => {
  test("Redis: the database answers, at once; back again, the cache does", async () => {
    const own = await startRedis();
    const s = await scene({ bus: own.uri });
    for (let i = 0; i < 40; i++) await s.say(`text ${i}`);
    await agrees(s);
    own.pause();
    for (let i = 0; i < 5; i++) {
      const started = Date.now();
      await s.atB.request("message.history", { channel: s.channel });
      assert.ok(Date.now() - started < 1000, "a Redis that hangs is not waited for");
    }
    own.resume();
    await agrees(s);
    await own.kill();
    assert.deepEqual(await s.atB.request("message.history", { channel: s.channel }), await fromStore(s));
    const secret = await s.say("deleted while Redis is away");
    await s.delete(secret);
    await own.restart();
    await agrees(s);
    for (const server of servers.splice(-2)) await server.stop();
    await own.stop();
  });

  test("the database: the cache goes on to answer", async () => {
    const own = await startMongo();
    const s = await scene({ store: uriOf(`${own.uri}`, "parley_test_away") });
    for (let i = 0; i < 60; i++) await s.say(`text ${i}`);
    await agrees(s);
    const expected = await fromCache(s);
    await own.kill();
    assert.deepEqual(await s.atB.request("message.history", { channel: s.channel }), expected);
    assert.equal((await call(s.a.url, "message.send", { channel: s.channel, text: "x" }, s.ann.token)).status, 503);
    for (const server of servers.splice(-2)) await server.kill();
    await own.remove();
  });

  test("the cache is off: Redis keeps nothing of it", async () => {
    const s = await scene({ args: ["--cache", "off"] });
    for (let i = 0; i < 5; i++) await s.say(`text ${i}`);
    await level(s);
    assert.equal((await s.atB.request("message.history", { channel: s.channel })).messages.length, 5);
    assert.equal(await redis.command("EXISTS", s.key), 0);
    assert.equal((await outcomes(s.b)).hit, 0);
  });
});
