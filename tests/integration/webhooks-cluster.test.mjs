// Outgoing webhooks and slash commands where two nodes share a MongoDB and a Redis: one of them delivers, whichever it is, and the
// other one goes on when that one is killed.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client } from "../lib/client.mjs";
import { database } from "../lib/mongo.mjs";
import { start } from "../lib/parleyd.mjs";
import { must, people } from "../lib/people.mjs";
import { eventually, metrics } from "../lib/process.mjs";
import { startRedis } from "../lib/redis.mjs";
import { startTarget } from "../lib/target.mjs";

let redis;
let db;
const nodes = [];
let target;
let ann;

async function node(name) {
  const server = await start({
    args: ["--bus", redis.uri, "--store", db.uri, "--node-name", name],
    env: {
      PARLEY_RATE_LIMITS: "off",
      PARLEY_OUTBOUND_ALLOW: "127.0.0.1",
      PARLEY_OUTBOUND_TIMEOUT_MS: "5000",
      PARLEY_HOOK_RETRY_MS: "50",
    },
  });
  nodes.push(server);
  server.exited.then(() => nodes.splice(nodes.indexOf(server), 1));
  return server;
}

before(async () => {
  redis = await startRedis();
  db = await database();
  target = await startTarget();
});
after(async () => {
  for (const server of [...nodes]) await server.stop();
  await target?.stop();
  await redis?.stop();
  await db?.drop();
});

const texts = () => target.requests.map((r) => r.json.event.params.message.text);
const firsts = (list) => [...new Set(list)];

test("each event is delivered once, in order, whichever node it was sent through; a killed node's turn is the other's", async () => {
  const a = await node("a");
  ({ ann } = await people(a.url, "owner", "ann"));
  const b = await node("b");
  const { channel } = await must(a.url, "channel.create", { name: "shared" }, ann.token);
  const { hook } = await must(b.url, "hook.create", { kind: "outgoing", channel: channel.id, name: "told", url: target.url() }, ann.token);
  const sent = [];
  const send = async (server, text) => sent.push((await must(server.url, "message.send", { channel: channel.id, text }, ann.token)).message.text);
  for (let i = 0; i < 40; i++) await send([a, b][i % 2], `m${i}`);
  await target.until("all of them", (r) => r.length >= sent.length);
  const reload = async (server) => (await must(server.url, "hook.list", { channel: channel.id }, ann.token)).hooks[0];
  const { seq } = (await must(a.url, "message.history", { channel: channel.id, limit: 1 }, ann.token)).messages[0];
  await eventually("the position", async () => (await reload(a)).position === seq);
  assert.deepEqual(texts(), sent);

  // whoever delivers is killed while it does; the other one takes over when the lease is over
  target.answer = () => "hang";
  const held = target.requests.length;
  await send(a, "held");
  await target.until("the attempt", (r) => r.length > held);
  const delivers = async (server) => (await metrics(server.url)).parley_outbound_under_way === 1;
  const [one, other] = (await delivers(a)) ? [a, b] : [b, a];
  assert.ok(await delivers(one));
  assert.ok(!(await delivers(other)));
  target.answer = () => ({ status: 200 });
  await one.kill();
  await send(other, "next");
  await target.until("both", () => texts().includes("next"));
  assert.deepEqual(firsts(texts()), sent);
  assert.equal((await reload(other)).id, hook.id);
});

test("what a target says later reaches the caller through any node", async () => {
  const [b] = nodes; // that is left
  const a = await node("c");
  const { channel } = await must(a.url, "channel.create", { name: "commands" }, ann.token);
  target.answer = () => ({ status: 200 });
  await must(a.url, "hook.create", { kind: "slash", channel: channel.id, name: "Lunch", command: "lunch", url: target.url("/lunch") }, ann.token);
  const client = await Client.open(b.url, { token: ann.token });
  assert.deepEqual(await must(a.url, "slash.run", { channel: channel.id, command: "lunch" }, ann.token), {});
  const { response_url } = Object.fromEntries(new URLSearchParams(target.requests.at(-1).body));
  const response = await fetch(`${b.url}${new URL(response_url).pathname}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ text: "soup" }),
  });
  assert.equal(response.status, 200);
  await client.until("the answer", (c) => c.events.some((e) => e.method === "slash.answered" && e.params.text === "soup"));
  await client.vanish();
});

test("a response URL is good five times, whichever node is asked, and nothing that it was told is lost", async () => {
  const [a, b] = nodes;
  const { channel } = await must(a.url, "channel.create", { name: "answers" }, ann.token);
  await must(a.url, "hook.create", { kind: "slash", channel: channel.id, name: "Lunch", command: "lunch", url: target.url("/lunch") }, ann.token);
  const run = async () => {
    await must(a.url, "slash.run", { channel: channel.id, command: "lunch" }, ann.token);
    return new URL(new URLSearchParams(target.requests.at(-1).body).get("response_url")).pathname;
  };
  const tell = async (server, path, text, type) => {
    const headers = { "Content-Type": "application/json" };
    return (await fetch(server.url + path, { method: "POST", headers, body: JSON.stringify({ text, response_type: type }) })).status;
  };
  // each node's first is another message
  const first = await run();
  assert.deepEqual([await tell(a, first, "of a", "in_channel"), await tell(b, first, "of b", "in_channel")], [200, 200]);
  const { messages } = await must(a.url, "message.history", { channel: channel.id }, ann.token);
  assert.deepEqual(messages.map((m) => m.text), ["of a", "of b"]);

  const second = await run();
  const client = await Client.open(b.url, { token: ann.token });
  for (let i = 0; i < 5; i++) assert.equal(await tell(a, second, `course ${i}`), 200);
  const heard = () => client.events.filter((e) => e.method === "slash.answered").map((e) => e.params.text);
  await client.until("all five", () => heard().length === 5); // what a has counted comes before what it says
  assert.equal(await tell(b, second, "too much"), 410);
  assert.equal(await tell(a, second, "too much"), 410);
  assert.deepEqual(heard(), ["course 0", "course 1", "course 2", "course 3", "course 4"]);
  await client.vanish();
});
