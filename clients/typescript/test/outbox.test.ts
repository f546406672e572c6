import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message, Params, Result } from "../src/generated/protocol.js";
import { CallError } from "../src/errors.js";
import { Outbox } from "../src/outbox.js";
import type { OutboxItem, OutboxStore } from "../src/outbox.js";
import { Clock, settle } from "./clock.js";
import { message } from "./make.js";

class MemoryStore implements OutboxStore {
  items = new Map<string, OutboxItem>();
  all(user: string): Promise<OutboxItem[]> {
    return Promise.resolve([...this.items.values()].filter((i) => i.user === user).map((i) => ({ ...i })));
  }
  put(item: OutboxItem): Promise<void> {
    this.items.set(item.client_msg_id, { ...item });
    return Promise.resolve();
  }
  remove(id: string): Promise<void> {
    this.items.delete(id);
    return Promise.resolve();
  }
}

interface Sent {
  params: Params<"message.send">;
  ok: () => void;
  fail: (error: CallError) => void;
}

class Rig {
  clock = new Clock();
  store: MemoryStore;
  isOnline = true;
  sent: Sent[] = [];
  acked: string[] = [];
  failed: string[] = [];
  throttledUntil = 0;
  unstored: unknown[] = [];
  ids = 0;
  outbox: Outbox;

  constructor(store = new MemoryStore(), prefix = "id") {
    this.store = store;
    this.outbox = new Outbox(
      store,
      {
        online: () => this.isOnline,
        send: (params) =>
          new Promise<Result<"message.send">>((resolve, reject) => {
            const made: Message = message(params.channel, this.sent.length + 1);
            this.sent.push({ params, ok: () => resolve({ message: made }), fail: reject });
          }),
        later: (ms, run) => this.clock.later(ms, run),
        newId: () => `${prefix}${++this.ids}`,
        now: () => this.clock.now(),
      },
      {
        changed: (item) => {
          if (item.failed !== undefined) this.failed.push(item.text);
        },
        acked: (item) => this.acked.push(item.text),
        removed: () => undefined,
        unstored: (error) => this.unstored.push(error),
        throttled: (until) => (this.throttledUntil = until),
      },
    );
  }

  texts(): string[] {
    return this.sent.map((s) => s.params.text);
  }

  async ok(): Promise<void> {
    this.sent.at(-1)!.ok();
    await settle();
  }

  async fail(error: CallError): Promise<void> {
    this.sent.at(-1)!.fail(error);
    await settle();
  }
}

test("messages of one channel leave one after the other, in the order they were written", async () => {
  const rig = new Rig();
  await rig.outbox.load("u1");
  for (const text of ["a", "b", "c"]) rig.outbox.enqueue("u1", "c1", text);
  assert.deepEqual(rig.texts(), ["a"]);
  await rig.ok();
  assert.deepEqual(rig.texts(), ["a", "b"]);
  await rig.ok();
  await rig.ok();
  assert.deepEqual(rig.acked, ["a", "b", "c"]);
  assert.equal(rig.store.items.size, 0);
});

test("channels do not wait for each other", async () => {
  const rig = new Rig();
  await rig.outbox.load("u1");
  rig.outbox.enqueue("u1", "c1", "a");
  rig.outbox.enqueue("u1", "c2", "b");
  assert.deepEqual(rig.texts(), ["a", "b"]);
});

test("what was written offline survives the page, keeps its ids and its order, and comes before newer messages", async () => {
  const first = new Rig();
  await first.outbox.load("u1");
  first.isOnline = false;
  first.outbox.enqueue("u1", "c1", "a");
  first.outbox.enqueue("u1", "c1", "b");
  const second = new Rig(first.store, "new");
  second.clock = first.clock;
  second.outbox.enqueue("u1", "c1", "later");
  assert.deepEqual(second.texts(), [], "nothing goes before the stored messages are known");
  const restored = await second.outbox.load("u1");
  assert.deepEqual(restored.map((i) => i.text), ["a", "b"]);
  second.outbox.pumpAll();
  for (let i = 0; i < 3; i += 1) await second.ok();
  assert.deepEqual(second.texts(), ["a", "b", "later"]);
  assert.deepEqual(second.sent.map((s) => s.params.client_msg_id), ["id1", "id2", "new1"]);
});

test("another user's messages are left alone", async () => {
  const rig = new Rig();
  rig.isOnline = false;
  await rig.outbox.load("u1");
  rig.outbox.enqueue("u1", "c1", "mine");
  rig.outbox.close();
  assert.deepEqual(await rig.outbox.load("u2"), []);
  assert.equal(rig.store.items.size, 1);
});

test("a send that was cut off is tried again with the same id", async () => {
  const rig = new Rig();
  await rig.outbox.load("u1");
  rig.outbox.enqueue("u1", "c1", "a");
  rig.isOnline = false;
  await rig.fail(CallError.lost());
  assert.equal(rig.sent.length, 1);
  rig.isOnline = true;
  rig.outbox.pumpAll();
  assert.deepEqual(rig.sent.map((s) => s.params.client_msg_id), ["id1", "id1"]);
});

test("an unavailable server is asked again after a while", async () => {
  const rig = new Rig();
  await rig.outbox.load("u1");
  rig.outbox.enqueue("u1", "c1", "a");
  await rig.fail(new CallError({ type: "unavailable" }, ""));
  rig.outbox.enqueue("u1", "c1", "b");
  assert.deepEqual(rig.texts(), ["a"]);
  await rig.clock.advance(1_000);
  assert.deepEqual(rig.texts(), ["a", "a"]);
});

test("a rate limit pauses sending for as long as the server says", async () => {
  const rig = new Rig();
  await rig.outbox.load("u1");
  rig.outbox.enqueue("u1", "c1", "a");
  await rig.fail(new CallError({ type: "rate_limited", retry_after_ms: 3_000 }, ""));
  assert.equal(rig.throttledUntil, rig.clock.now() + 3_000);
  await rig.clock.advance(2_999);
  assert.equal(rig.sent.length, 1);
  await rig.clock.advance(1);
  assert.equal(rig.sent.length, 2);
  assert.deepEqual(rig.failed, []);
});

test("a refused message waits for its author; those behind it go on", async () => {
  const rig = new Rig();
  await rig.outbox.load("u1");
  rig.outbox.enqueue("u1", "c1", "bad");
  rig.outbox.enqueue("u1", "c1", "good");
  await rig.fail(new CallError({ type: "forbidden" }, ""));
  assert.deepEqual(rig.failed, ["bad"]);
  assert.deepEqual(rig.texts(), ["bad", "good"]);
  await rig.ok();
  assert.deepEqual([...rig.store.items.values()].map((i) => i.text), ["bad"]);
  rig.outbox.retry("id1");
  await rig.ok();
  assert.deepEqual(rig.acked, ["good", "bad"]);
});

test("a failed message can be thrown away", async () => {
  const rig = new Rig();
  await rig.outbox.load("u1");
  rig.outbox.enqueue("u1", "c1", "bad");
  await rig.fail(new CallError({ type: "not_found" }, ""));
  rig.outbox.discard("id1");
  assert.equal(rig.store.items.size, 0);
  rig.outbox.pumpAll();
  assert.equal(rig.sent.length, 1);
});

test("an event that shows the message settles it, so that it is not sent again", async () => {
  const rig = new Rig();
  rig.isOnline = false;
  await rig.outbox.load("u1");
  rig.outbox.enqueue("u1", "c1", "a");
  rig.outbox.settle("id1", message("c1", 1));
  rig.isOnline = true;
  rig.outbox.pumpAll();
  assert.deepEqual(rig.texts(), []);
  assert.equal(rig.store.items.size, 0);
});

test("a message that arrived is acknowledged once, whether its event or its answer tells first", async () => {
  const rig = new Rig();
  await rig.outbox.load("u1");
  rig.outbox.enqueue("u1", "c1", "a");
  rig.outbox.settle("id1", message("c1", 1));
  await rig.ok();
  assert.deepEqual(rig.acked, ["a"]);
});

test("what was written twice under one id is one message", async () => {
  const rig = new Rig();
  await rig.outbox.load("u1");
  const first = rig.outbox.enqueue("u1", "c1", "a", "mine").item;
  assert.equal(rig.outbox.enqueue("u1", "c1", "a", "mine").item, first);
  assert.equal(rig.outbox.size, 1);
});

test("a queue that is closed while it waits does not wake up, and its answer does not concern the next user", async () => {
  const rig = new Rig();
  await rig.outbox.load("u1");
  rig.outbox.enqueue("u1", "c1", "a");
  await rig.fail(new CallError({ type: "unavailable" }, ""));
  rig.outbox.close();
  assert.equal(rig.clock.pending, 0);
  await rig.outbox.load("u2");
  rig.outbox.enqueue("u2", "c1", "b");
  assert.deepEqual(rig.texts(), ["a", "b"]);
});

test("what is in the store and is no message is left alone", async () => {
  const store = new MemoryStore();
  const good = { client_msg_id: "g", user: "u1", channel: "c1", text: "good", created_at: "", n: 1, failed: "old words" };
  store.items.set("g", good as unknown as OutboxItem);
  for (const bad of [{ ...good, n: "1" }, { ...good, text: 7 }, { ...good, user: "u2" }, { user: "u1" }]) {
    store.items.set(String(store.items.size), bad as unknown as OutboxItem);
  }
  const rig = new Rig(store);
  const items = await rig.outbox.load("u1");
  assert.deepEqual(items.map((i) => [i.client_msg_id, i.failed]), [["g", undefined]]);
});

test("a store that fails is told of, and the message is sent all the same", async () => {
  const store = new MemoryStore();
  const full = () => Promise.reject(new Error("full"));
  Object.assign(store, { all: full, put: full, remove: full });
  const rig = new Rig(store);
  await rig.outbox.load("u1");
  assert.equal(await rig.outbox.enqueue("u1", "c1", "a").stored, false);
  await rig.ok();
  assert.deepEqual(rig.acked, ["a"]);
  assert.equal(rig.unstored.length, 3);
});

test("a message that is acknowledged while the store is read again does not come back from there", async () => {
  const rig = new Rig();
  await rig.outbox.load("u1");
  rig.outbox.enqueue("u1", "c1", "a");
  const loading = rig.outbox.load("u1");
  rig.outbox.settle("id1", message("c1", 1));
  assert.deepEqual(await loading, []);
  assert.equal(rig.outbox.size, 0);
});
