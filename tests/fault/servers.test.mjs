// The servers that cluster tests do harm to, and the proxy before them: does each harm do what it says?

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { database, startMongo, uriOf, withDriver } from "../lib/mongo.mjs";
import { within } from "../lib/parleyd.mjs";
import { eventually } from "../lib/process.mjs";
import { startProxy } from "../lib/proxy.mjs";
import { startRedis } from "../lib/redis.mjs";

const WAIT_MS = 10_000;

// --- The proxy --------------------------------------------------------------------------------------------------------

// A server that answers each chunk with itself, in capitals.
async function startEcho() {
  const got = [];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => {
      got.push(String(data));
      socket.write(String(data).toUpperCase());
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, got, port: server.address().port };
}

class Talker {
  constructor(port) {
    this.socket = createConnection({ host: "127.0.0.1", port });
    this.text = "";
    this.socket.on("data", (data) => (this.text += data));
    this.ended = new Promise((resolve) => {
      this.socket.on("error", (error) => resolve(error.code));
      this.socket.on("close", () => resolve("closed"));
    });
  }

  async ask(text) {
    this.socket.write(text);
    await eventually(`the answer to ${text}`, () => this.text.endsWith(text.toUpperCase()), WAIT_MS, 2);
  }
}

describe("the proxy", () => {
  let echo;
  let proxy;
  before(async () => {
    echo = await startEcho();
    proxy = await startProxy(echo.port);
  });
  after(async () => {
    await proxy.close();
    echo.server.close();
  });
  const talk = async () => {
    const talker = new Talker(proxy.port);
    await talker.ask("hello");
    return talker;
  };
  const ended = (talker) => within(WAIT_MS, "the end of the connection", talker.ended);

  test("carries both ways, and ends with either side", async () => {
    const talker = await talk();
    talker.socket.end();
    assert.equal(await ended(talker), "closed");
    await eventually("the end of the link", () => proxy.links.size === 0, WAIT_MS);
  });

  test("puts its own address into a URI, and nothing else", () => {
    const at = `127.0.0.1:${proxy.port}`;
    assert.equal(proxy.through("redis://127.0.0.1:6379/2"), `redis://${at}/2`);
    assert.equal(proxy.through("redis://ann:p%40ss@127.0.0.1:6379"), `redis://ann:p%40ss@${at}`);
    assert.equal(proxy.through("mongodb://127.0.0.1:27017/db?appname=x"), `mongodb://${at}/db?appname=x`);
  });

  test("delays both ways without turning anything around", async () => {
    const talker = await talk();
    proxy.delay(100);
    const start = performance.now();
    await talker.ask("slow");
    assert.ok(performance.now() - start >= 198, "there and back");
    const before = talker.text.length;
    for (const letter of "abcdef") talker.socket.write(letter);
    proxy.pass();
    for (const letter of "ghijkl") talker.socket.write(letter);
    await eventually("all of it", () => talker.text.length === before + 12, WAIT_MS, 2);
    assert.equal(talker.text.slice(before), "ABCDEFGHIJKL");
    talker.socket.destroy();
  });

  test("cuts: what is there is reset, and new connections too", async () => {
    const talker = await talk();
    proxy.cut();
    assert.equal(await ended(talker), "ECONNRESET");
    assert.notEqual(await ended(new Talker(proxy.port)), undefined);
    proxy.pass();
    (await talk()).socket.destroy();
  });

  test("half-open: nothing comes through and nothing ends, until it passes again", async () => {
    const talker = await talk();
    proxy.halfOpen();
    const late = new Talker(proxy.port);
    await once(late.socket, "connect");
    const asked = echo.got.length;
    talker.socket.write("swallowed");
    late.socket.write("swallowed too");
    await eventually("both to be swallowed", () => [...proxy.links].filter((l) => l.stale).length === 2, WAIT_MS, 2);
    assert.equal(echo.got.length, asked);
    assert.equal(talker.text, "HELLO");
    proxy.pass();
    assert.equal(await ended(talker), "ECONNRESET");
    assert.equal(await ended(late), "ECONNRESET");
    (await talk()).socket.destroy();
  });

  test("resets in the middle of a request: half of it arrives", async () => {
    const talker = await talk();
    proxy.reset("request");
    talker.socket.write("12345678");
    assert.equal(await ended(talker), "ECONNRESET");
    await eventually("the half", () => echo.got.at(-1) === "1234", WAIT_MS, 2);
  });

  test("resets before the answer: the request arrives, its answer does not", async () => {
    const talker = await talk();
    proxy.reset("answer");
    talker.socket.write("commit");
    assert.equal(await ended(talker), "ECONNRESET");
    assert.equal(echo.got.at(-1), "commit");
    assert.equal(talker.text, "HELLO");
  });
});

// --- Redis ------------------------------------------------------------------------------------------------------------

const state = (pid) => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1][0];

describe("a Redis of one's own", () => {
  test("answers, dies, comes back empty on its port, hangs and goes on", async () => {
    const redis = await startRedis();
    assert.equal(await redis.command("SET", "key", "value"), "OK");
    assert.equal(await redis.command("GET", "key"), "value");
    await redis.kill();
    await assert.rejects(redis.command("PING"), /ECONNREFUSED/);
    await redis.restart();
    assert.equal(await redis.command("GET", "key"), null);
    redis.pause();
    await eventually("the stop", () => state(redis.pid) === "T", WAIT_MS, 2);
    const ping = redis.command("PING");
    redis.resume();
    assert.equal(await ping, "PONG");
    await redis.stop();
  });

  test("lets in only the user it was given", async () => {
    const redis = await startRedis({ user: { name: "parley", password: "s3cret/@" } });
    assert.equal(redis.uri, `redis://parley:s3cret%2F%40@127.0.0.1:${redis.port}`);
    assert.deepEqual(await redis.command("ACL", "WHOAMI"), "parley");
    const stranger = new Talker(redis.port);
    stranger.socket.write("PING\r\n");
    await eventually("the refusal", () => stranger.text.startsWith("-NOAUTH"), WAIT_MS, 2);
    stranger.socket.destroy();
    await redis.stop();
  });
});

// --- MongoDB ----------------------------------------------------------------------------------------------------------

const durable = { writeConcern: { w: "majority", j: true } };

describe("a MongoDB server of one's own", () => {
  const insert = (uri, document) => withDriver(uri, (c) => c.db().collection("things").insertOne(document, durable));
  const read = (uri) => withDriver(uri, (c) => c.db().collection("things").find().sort({ _id: 1 }).toArray());

  test("keeps what it has acknowledged over kill -9, hangs and goes on", async () => {
    const mongo = await startMongo();
    const uri = uriOf(mongo.uri, "trial");
    await insert(uri, { _id: 1 });
    await mongo.kill();
    await assert.rejects(insert(`${uri}?serverSelectionTimeoutMS=500`, { _id: 2 }));
    await mongo.start();
    await eventually("an insert after the restart", () => insert(uri, { _id: 3 }).catch(() => null));
    // The gateway may still have connections that the killed database had opened; each fails once.
    const there = await eventually("a read after the restart", () => read(uri).catch(() => null));
    assert.deepEqual(there.map((d) => d._id).filter((id) => id !== 2), [1, 3]);
    await mongo.pause();
    await assert.rejects(insert(`${uri}?socketTimeoutMS=500&connectTimeoutMS=500&serverSelectionTimeoutMS=500`, { _id: 4 }));
    await mongo.resume();
    await eventually("an insert after the hang", () => insert(uri, { _id: 5 }).catch(() => null));
    await mongo.remove();
  });

  test("gives each test a database that is gone after its drop", async () => {
    const [one, two] = [await database(), await database()];
    await insert(one.uri, { _id: 1 });
    assert.deepEqual(await read(one.uri), [{ _id: 1 }]);
    assert.deepEqual(await read(two.uri), []);
    await one.drop();
    assert.deepEqual(await read(one.uri), []);
    await two.drop();
  });

  test("URIs keep their options and lose the database they had", () => {
    assert.equal(uriOf("mongodb://h:1/", "x"), "mongodb://h:1/x");
    assert.equal(uriOf("mongodb://u:p@h:1/old?a=b", "x"), "mongodb://u:p@h:1/x?a=b");
    assert.equal(uriOf("mongodb+srv://h", "x"), "mongodb+srv://h/x");
  });
});
