// /metrics, /healthz and /readyz of a real parleyd.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import WebSocket from "ws";

import { call, start, within } from "../lib/parleyd.mjs";

let server;
let owner;
let channel;

before(async () => {
  server = await start();
  owner = (await call(server.url, "auth.register", { name: "ann", password: "correct horse" })).body;
  const { body } = await call(server.url, "channel.list", {}, owner.token);
  channel = body.channels[0].id;
});
after(() => server.stop());

/** The exposition as a Map from "name{labels}" to its number, checked for its form. */
async function scrape(url = server.url) {
  const response = await fetch(`${url}/metrics`);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const text = await response.text();
  assert.ok(text.endsWith("\n"));
  const types = new Map();
  const helped = new Set();
  const samples = new Map();
  for (const line of text.trimEnd().split("\n")) {
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line);
    if (comment) {
      if (comment[1] === "HELP") helped.add(comment[2]);
      else types.set(comment[2], comment[3]);
      continue;
    }
    const sample = /^([a-zA-Z_:][\w:]*)(\{(?:[a-zA-Z_]\w*="[^"\\\n]*",?)+\})? ([-+]?[0-9.]+(?:e[-+]?\d+)?|[+-]Inf|NaN)$/.exec(line);
    assert.ok(sample, `not a sample: ${line}`);
    const name = types.has(sample[1]) ? sample[1] : sample[1].replace(/_(bucket|sum|count)$/, "");
    assert.ok(types.has(name) && helped.has(name), `no TYPE and HELP before: ${line}`);
    assert.ok(!samples.has(sample[1] + (sample[2] ?? "")), `twice: ${line}`);
    samples.set(sample[1] + (sample[2] ?? ""), Number(sample[3]));
  }
  return { samples, types };
}

const number = async (name) => (await scrape()).samples.get(name);

/** Waits until the number of a sample is as wanted. */
async function eventually(name, wanted) {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const value = await number(name);
    if (wanted(value)) return value;
    assert.ok(Date.now() < deadline, `${name} is still ${value}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const send = (text) => call(server.url, "message.send", { channel, text }, owner.token);

test("what the exposition says is well-formed, and histograms add up", async () => {
  const { samples, types } = await scrape();
  let histograms = 0;
  for (const [name, type] of types) {
    if (type !== "histogram") continue;
    histograms++;
    const buckets = [...samples].filter(([key]) => key.startsWith(`${name}_bucket{`)).map(([, value]) => value);
    assert.ok(buckets.length > 5, name);
    assert.deepEqual([...buckets].sort((a, b) => a - b), buckets, `${name}: buckets are cumulative`);
    assert.equal(buckets.at(-1), samples.get(`${name}_count`), name);
    assert.ok(samples.has(`${name}_bucket{le="+Inf"}`), name);
  }
  assert.ok(histograms >= 5);
});

test("commands are counted by name and outcome, sends with their commits and acks", async () => {
  const before = (await scrape()).samples;
  for (let i = 0; i < 5; i++) assert.equal((await send(`number ${i}`)).status, 200);
  assert.equal((await call(server.url, "message.send", { channel: "nowhere", text: "x" }, owner.token)).status, 404);
  assert.equal((await call(server.url, "no.such.command")).status, 404);
  for (let i = 0; i < 5; i++) assert.equal((await call(server.url, "user.get", { user: "@ann" }, owner.token)).status, 200);
  const now = (await scrape()).samples;
  const grown = (name) => now.get(name) - (before.get(name) ?? 0);
  assert.equal(grown('parley_commands_total{command="message.send",outcome="ok"}'), 5);
  assert.equal(grown('parley_commands_total{command="message.send",outcome="not_found"}'), 1);
  assert.ok(grown("parley_ack_seconds_count") >= 5);
  assert.equal(grown("parley_events_committed_total"), 5);
  assert.ok(grown("parley_commit_seconds_count") >= 1);
  assert.ok(grown("parley_commit_batch_requests_sum") >= 5);
  assert.ok(grown("parley_received_bytes_total") > 0);
  assert.ok(grown("parley_sent_bytes_total") > 0);
  assert.ok(grown('parley_http_requests_total{status="2xx"}') >= 5);
  assert.ok(grown('parley_http_requests_total{status="4xx"}') >= 2);
  assert.ok(grown("parley_store_reads_total") >= 5);
});

test("a session shows while it lasts, its deliveries and its close are counted", async () => {
  const before = (await scrape()).samples;
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/ws`);
  const messages = [];
  let wake = () => {};
  socket.on("message", (data) => {
    messages.push(JSON.parse(data));
    wake();
  });
  const until = (what, found) =>
    within(20_000, what, new Promise((resolve) => (wake = () => messages.some(found) && resolve())));
  await within(20_000, "the WebSocket's opening", new Promise((resolve) => socket.on("open", resolve)));
  const started = until("session.start's answer", (message) => message.id === 1);
  socket.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "session.start", params: { token: owner.token } }));
  await started;
  await eventually("parley_sessions", (value) => value === before.get("parley_sessions") + 1);
  const created = until("the message", (message) => message.method === "message.created");
  assert.equal((await send("for the socket")).status, 200);
  await created;
  await eventually("parley_deliveries_total", (value) => value >= before.get("parley_deliveries_total") + 1);
  socket.close(1000);
  await eventually("parley_sessions", (value) => value === before.get("parley_sessions"));
  await eventually('parley_closes_total{code="1000"}', (value) => value === before.get('parley_closes_total{code="1000"}') + 1);
});

test("logins are counted by outcome", async () => {
  const before = (await scrape()).samples;
  assert.equal((await call(server.url, "auth.login", { name: "ann", password: "wrong" })).status, 401);
  assert.equal((await call(server.url, "auth.login", { name: "ann", password: "correct horse" })).status, 200);
  const now = (await scrape()).samples;
  for (const outcome of ["ok", "failed"]) {
    const name = `parley_logins_total{outcome="${outcome}"}`;
    assert.equal(now.get(name) - before.get(name), 1, outcome);
  }
});

test("the process describes itself", async () => {
  const { samples } = await scrape();
  assert.ok(samples.get("process_resident_memory_bytes") > 1e6);
  assert.ok(samples.get("process_open_fds") > 5);
  assert.ok(samples.get("process_max_fds") >= samples.get("process_open_fds"));
  assert.ok(Math.abs(samples.get("process_start_time_seconds") - Date.now() / 1000) < 600);
  const { body } = await call(server.url, "server.info");
  assert.equal(samples.get(`parley_build_info{version="${body.version}"}`), 1);
  assert.ok((await number("parley_uptime_seconds")) >= samples.get("parley_uptime_seconds"));
  assert.equal(samples.get("parley_store_writable"), 1);
});

test("every metric stands in the documentation, with its type", async () => {
  const text = readFileSync("docs/operations.md", "utf8");
  for (const [name, type] of (await scrape()).types) assert.ok(text.includes(`| \`${name}\` | ${type} |`), name);
});

test("with a listener of their own the metrics are only there", async () => {
  const other = await start({ args: ["--metrics-listen", "127.0.0.1:0"] });
  try {
    const url = /^metrics on (\S+)\/metrics$/m.exec(other.out())?.[1];
    assert.ok(url, other.out());
    await scrape(url);
    const hidden = await fetch(`${other.url}/metrics`);
    assert.doesNotMatch(await hidden.text(), /parley_/);
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    assert.equal((await fetch(`${url}/api/v1/server.info`, { method: "POST" })).ok, false);
  } finally {
    await other.stop();
  }
});

test("healthz and readyz answer", async () => {
  const health = await fetch(`${server.url}/healthz`);
  assert.equal(health.status, 200);
  assert.equal(await health.text(), "ok\n");
  const ready = await fetch(`${server.url}/readyz`);
  assert.equal(ready.status, 200);
  assert.equal(await ready.text(), "ready\n");
});
