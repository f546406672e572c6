// Messages that outlive their connection, their page and their process: each is one message in the end.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { CallError, memoryStore, webStore } from "@parley/client";
import { fileStore } from "@parley/client/node";
import { again, client, closeAll, connected, eventually, must, people, start, tampered, temporaryFolder } from "./lib.mjs";

const ENV = { PARLEY_RATE_LIMITS: "off" };
const SENDER = fileURLToPath(new URL("sender.mjs", import.meta.url));
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

async function room() {
  return (await must(server.url, "channel.create", { name: `queue-${++rooms}` }, ann.token)).channel.id;
}

async function stored(channel) {
  return (await must(server.url, "message.history", { channel, limit: 200 }, ann.token)).messages;
}

const textsOf = (messages) => messages.map((m) => m.text);

/** What localStorage is, as long as the test lives. */
class Storage {
  #items = new Map();
  get length() {
    return this.#items.size;
  }
  key(n) {
    return [...this.#items.keys()][n] ?? null;
  }
  getItem(key) {
    return this.#items.get(key) ?? null;
  }
  setItem(key, value) {
    this.#items.set(key, String(value));
  }
  removeItem(key) {
    this.#items.delete(key);
  }
}

async function storages() {
  const memory = memoryStore();
  const storage = new Storage();
  storage.setItem("theme", "dark");
  storage.setItem("parley.outbox.broken", "{");
  const path = join(temporaryFolder(), "queue.json");
  return { memory: () => memory, localStorage: () => webStore(storage), file: () => fileStore(path) };
}

for (const kind of ["memory", "localStorage", "file"]) {
  test(`${kind}: what was written offline, and what was sent without an answer, is sent by the next page, once and in order`, async () => {
    const channel = await room();
    const store = (await storages())[kind];
    const sends = new Set();
    const deaf = tampered({
      sent: ({ method, id }) => method !== "message.send" || sends.add(id),
      received: ({ id, method }) => !sends.has(id) && method !== "message.created",
    });
    const page = await connected(server, ann, { store: store(), WebSocket: deaf });
    const first = page.send(channel, "a"); // arrives, and the page never hears of it
    await eventually("the first message", async () => (await stored(channel)).length === 1);
    page.send(channel, "b");
    page.send(channel, "c");
    await eventually("the store", async () => (await store().all(ann.id)).length === 3);
    page.close();
    await assert.rejects(first.message, (e) => e instanceof CallError && e.disconnected);

    assert.deepEqual(await store().all(bob.id), [], "another user's messages are not to be seen");
    const next = client(server, ann, { store: store() });
    const restored = [];
    next.listen({ restored: (items) => restored.push(...items) });
    const acked = [];
    next.listen({ acked: (item, message) => acked.push([item.text, message.client_msg_id === item.client_msg_id]) });
    await next.start();
    const last = await next.send(channel, "d").message;
    assert.deepEqual(restored.map((item) => item.text), ["a", "b", "c"]);
    assert.deepEqual(acked, ["a", "b", "c", "d"].map((text) => [text, true]));
    const messages = await stored(channel);
    assert.deepEqual(textsOf(messages), ["a", "b", "c", "d"]);
    assert.equal(messages[0].client_msg_id, first.item.client_msg_id);
    assert.equal(messages[3].id, last.id);
    await eventually("an empty store", async () => (await store().all(ann.id)).length === 0);
  });
}

function sender(channel, store, texts, env = {}) {
  const child = spawn(process.execPath, [SENDER, server.url, ann.token, channel, store, ...texts], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (out += text));
  const exited = once(child, "exit");
  return {
    says: (word) => eventually(`"${word}"`, () => out.includes(word)),
    kill: () => {
      child.kill("SIGKILL");
      return exited;
    },
  };
}

test("kill -9 of the writing process, then of the server: nothing is lost and nothing is there twice", async () => {
  const channel = await room();
  const store = join(temporaryFolder(), "queue.json");
  const names = (letter) => Array.from({ length: 8 }, (_, i) => `${letter}${i}`);
  const first = sender(channel, store, names("a"), { SWALLOW: "3" });
  await first.says("written");
  await eventually("a message without an answer", async () => (await stored(channel)).length >= 3);
  await eventually("the others on disk", async () => JSON.parse(readFileSync(store, "utf8")).length >= 6);
  await first.kill();
  const second = sender(channel, store, names("b"));
  await second.says("written");
  await server.kill();
  server = await again(server, { env: ENV });
  await second.says("empty");
  await eventually("an empty file", () => JSON.parse(readFileSync(store, "utf8")).length === 0);
  await second.kill();
  assert.deepEqual(textsOf(await stored(channel)), [...names("a"), ...names("b")]);
});

test("an id of one's own makes it the same message over processes and stores", async () => {
  const channel = await room();
  const [one, two] = [await connected(server, ann), await connected(server, ann)];
  const sent = one.send(channel, "report of monday", "report-2026-01-05");
  assert.equal(one.send(channel, "report of monday", "report-2026-01-05").message, sent.message);
  const [first, second] = [await sent.message, await two.send(channel, "again?", "report-2026-01-05").message];
  assert.equal(first.id, second.id);
  assert.deepEqual(textsOf(await stored(channel)), ["report of monday"]);
});

test("a message that the server refuses waits, can be tried again and be discarded, and holds up nobody", async () => {
  const channel = await room();
  const bobs = await connected(server, bob);
  const changed = [];
  bobs.listen({ changed: (item) => changed.push(item.failed?.type) });
  const refused = bobs.send(channel, "let me in");
  await assert.rejects(refused.message, (e) => e.type === "not_found" || e.type === "forbidden");
  assert.equal(bobs.outbox.size, 1);
  await bobs.call("channel.join", { channel });
  const id = refused.item.client_msg_id;
  const retried = new Promise((resolve) => bobs.listen({ acked: (item, message) => resolve(message) }));
  bobs.outbox.retry(id);
  assert.equal((await retried).client_msg_id, id);
  assert.equal(bobs.outbox.size, 0);
  assert.equal(changed.length, 3);
  assert.equal(changed[2], undefined);

  const tooLong = bobs.send(channel, "x".repeat(20_000));
  await assert.rejects(tooLong.message, (e) => e.type === "invalid_params" && e.data.field === "text");
  const gone = new Promise((resolve) => bobs.listen({ removed: resolve }));
  bobs.outbox.discard(tooLong.item.client_msg_id);
  assert.equal((await gone).text.length, 20_000);
  assert.deepEqual(textsOf(await stored(channel)), ["let me in"]);
});

test("a server that asks for a slower pace gets it, and every message", async () => {
  const slow = await start({ env: { PARLEY_RATE_SEND: "20", PARLEY_RATE_SEND_BURST: "2" } });
  const { ann: owner } = await people(slow.url, "ann");
  const { channel } = await must(slow.url, "channel.create", { name: "slow" }, owner.token);
  const parley = await connected(slow, owner);
  const pauses = [];
  parley.listen({ throttled: (until) => pauses.push(until) });
  const names = Array.from({ length: 8 }, (_, i) => `n${i}`);
  await Promise.all(names.map((text) => parley.send(channel.id, text).message));
  assert.ok(pauses.length > 0);
  const { messages } = await must(slow.url, "message.history", { channel: channel.id }, owner.token);
  assert.deepEqual(textsOf(messages), names);
  closeAll();
  await slow.stop();
});

test("a file that is no queue is told of and not overwritten", async () => {
  const channel = await room();
  const path = join(temporaryFolder(), "queue.json");
  writeFileSync(path, '{"precious": true}');
  const parley = await connected(server, ann, { store: fileStore(path) });
  assert.equal((await parley.send(channel, "hello").message).text, "hello");
  await eventually("the problem", () => parley.heard.unstored.length > 0);
  assert.match(parley.heard.unstored[0].message, /not a queue of messages/);
  assert.equal(readFileSync(path, "utf8"), '{"precious": true}');
});

test("the file is the user's alone, and whole at any moment", async () => {
  const path = join(temporaryFolder(), "queue.json");
  const store = fileStore(path);
  const item = (n) => ({ client_msg_id: `m${n}`, user: "u", channel: "c", text: "x".repeat(1_000), created_at: "", n });
  const writes = Array.from({ length: 40 }, (_, n) => store.put(item(n)));
  let looks = 0;
  let done = false;
  const all = Promise.all(writes).then(() => (done = true));
  await writes[0];
  while (!done) {
    assert.ok(JSON.parse(readFileSync(path, "utf8")).length > 0);
    looks++;
    await new Promise(setImmediate);
  }
  await all;
  assert.ok(looks > 0);
  assert.equal((await fileStore(path).all("u")).length, 40);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});
