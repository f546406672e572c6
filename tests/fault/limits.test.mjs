// When the machine runs out of something, and when the server has to go: descriptors, disk, silent peers, SIGTERM, a data
// directory that is taken or not ours.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, CommandError } from "../lib/client.mjs";
import { start, temporaryFolder } from "../lib/parleyd.mjs";
import { must, people } from "../lib/people.mjs";
import { cpuSeconds, eventually } from "../lib/process.mjs";
import { OP, Raw, rawSession } from "../lib/raw.mjs";

const { PARLEYD } = process.env;
const raws = [];
after(() => raws.forEach((r) => r.destroy()));
function raw(server, from = "127.0.0.66") {
  const r = new Raw(server.url, { from });
  raws.push(r);
  return r;
}
const status = async (server, path) => (await fetch(`${server.url}${path}`)).status;

/** Two people in a channel, both connected. */
async function chat(server) {
  const { ann, bob } = await people(server.url, "ann", "bob");
  const { channel } = await must(server.url, "channel.create", { name: "talk" }, ann.token);
  await must(server.url, "channel.invite", { channel: channel.id, user: bob.id }, ann.token);
  const [writer, reader] = [await Client.open(server.url, { token: ann.token }), await Client.open(server.url, { token: bob.token })];
  let n = 0;
  const say = async (text = `message ${++n}`) => {
    const { message } = await writer.request("message.send", { channel: channel.id, text, client_msg_id: `id-${++n}` });
    await reader.event("message.created", (p) => p.message.id === message.id);
    return message;
  };
  return { ann, bob, channel, stream: `c:${channel.id}`, writer, reader, say };
}

describe("descriptors", () => {
  test("when they run out, those who are connected go on, others are refused, and it ends when some are free again", { timeout: 120_000 }, async (t) => {
    const server = await start({ env: { PARLEY_MAX_CONNECTIONS: "100000" } });
    execFileSync("prlimit", ["--pid", String(server.pid), "--nofile=120:120"]);
    const { say, writer } = await chat(server);
    const all = [];
    for (let i = 0; i < 300; i++) all.push(raw(server));
    await Promise.all(all.map((r) => r.connected));
    await eventually("the refusals", () => all.filter((r) => r.status === 503).length >= 3);
    const [cpu, since] = [cpuSeconds(server.pid), Date.now()];
    for (let i = 0; i < 20; i++) {
      await say();
      await sleep(100);
    }
    const load = (cpuSeconds(server.pid) - cpu) / ((Date.now() - since) / 1000);
    assert.ok(load < 0.5, `it does not spin: ${(load * 100).toFixed(0)} % of a core`);
    const lines = server.log().split("\n").filter((line) => /descriptor|EMFILE|too many open files/i.test(line));
    const seconds = (Date.now() - since) / 1000 + 5;
    t.diagnostic(`${all.filter((r) => r.status === 503).length} were told 503; ${lines.length} lines in the log; ${(load * 100).toFixed(0)} % of a core`);
    assert.ok(lines.length >= 1 && lines.length <= seconds, `a line a second at most: ${lines.length} in ${seconds.toFixed(0)} s`);
    assert.match(lines[0], /open files|ulimit|LimitNOFILE/, "it says what to do");
    assert.equal(writer.closed, null);
    for (const r of all) r.destroy();
    await eventually("being served again", () => status(server, "/healthz").then((s) => s === 200, () => false));
    await say();
    const { code } = await server.stop();
    assert.equal(code, 0);
  });
});

// --- The disk ------------------------------------------------------------------------------------------------------------

// A data directory on a file system of its own; undefined where that is not allowed.
function smallDisk(t, size) {
  const dir = temporaryFolder();
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "parley-test", dir]);
  if (mounted.status !== 0) return undefined;
  t.after(() => spawnSync("umount", ["--lazy", dir]));
  return dir;
}

// FULL() makes it impossible to write, FREE() possible again.
async function fullDisk(t, server, full, free, remedy = /free some space/) {
  const { ann, channel, stream, writer, reader, say } = await chat(server);
  const acked = [];
  for (let i = 0; i < 20; i++) acked.push(await say());
  full();
  let refused = 0;
  let reason;
  const pending = new Map();
  const deadline = Date.now() + 60_000;
  while (refused < 20) {
    assert.ok(Date.now() < deadline, "writing stops when the disk is full");
    const id = `full-${acked.length}-${refused}`;
    const send = { channel: channel.id, text: `${id} ${"x".repeat(8000)}`, client_msg_id: id };
    try {
      acked.push((await writer.request("message.send", send)).message);
    } catch (error) {
      assert.ok(error instanceof CommandError && error.type === "unavailable", String(error));
      reason = error.message;
      pending.set(id, send);
      refused++;
      await sleep(20);
    }
  }
  t.diagnostic(`answered: ${reason}`);
  assert.match(reason, /write|space|disk/i, "it says why");
  assert.equal(await status(server, "/readyz"), 503);
  const why = await (await fetch(`${server.url}/readyz`)).text();
  t.diagnostic(`readyz: ${why.trim()}`);
  assert.match(why, /parley\.db/, "it names the file");
  assert.match(why, remedy, "and says what to do");
  assert.equal(await status(server, "/healthz"), 200);
  const { messages } = await reader.request("message.history", { channel: channel.id, limit: 10 });
  assert.equal(messages.length, 10, "reading goes on");
  await writer.request("typing.start", { channel: channel.id });
  const late = await Client.open(server.url, { token: ann.token });
  assert.equal(late.started.channels.find((c) => c.id === channel.id).seq, acked.at(-1).seq, "sessions begin");
  free();
  await eventually("readiness, by itself", () => status(server, "/readyz").then((s) => s === 200), 30_000, 100);
  const after = await say("written again");
  for (const [id, send] of pending) {
    const first = (await writer.request("message.send", send)).message;
    const second = (await writer.request("message.send", send)).message;
    assert.equal(first.id, second.id, `${id} is one message`);
    acked.push(first);
  }
  acked.push(after);
  await server.kill();
  return { ann, channel, stream, acked };
}

async function judgeDisk(dataDir, { ann, channel, stream, acked }) {
  const server = await start({ dataDir });
  const { channel: view } = await must(server.url, "channel.get", { channel: channel.id }, ann.token);
  const there = new Map();
  let last = 0;
  for (;;) {
    const { events } = await must(server.url, "stream.events", { stream, epoch: view.epoch, after: last, limit: 200 }, ann.token);
    for (const e of events) {
      assert.equal(e.params.seq, ++last, "no hole");
      if (e.method === "message.created") there.set(e.params.message.id, e.params.message);
    }
    if (events.length === 0) break;
  }
  for (const message of acked) assert.deepEqual(there.get(message.id), message, `${message.seq} is there`);
  assert.equal(there.size, new Set(acked.map((m) => m.id)).size, "and nothing else");
  await server.stop();
}

const quick = { PARLEY_RATE_LIMITS: "off" };

describe("a full disk", () => {
  test("stops sending with a reason, loses nothing, and ends by itself when there is space", { timeout: 180_000 }, async (t) => {
    const dataDir = smallDisk(t, "6m");
    if (!dataDir) return t.skip("mounting is not allowed here");
    const ballast = join(dataDir, "ballast");
    const server = await start({ dataDir, env: quick });
    const full = () => {
      const chunk = Buffer.alloc(64 * 1024, 1);
      try {
        for (let i = 0; i < 1000; i++) writeFileSync(ballast, chunk, { flag: "a" });
      } catch (error) {
        assert.equal(error.code, "ENOSPC");
      }
    };
    const told = await fullDisk(t, server, full, () => rmSync(ballast));
    await judgeDisk(dataDir, told);
  });

  test("the same with a limit of the size of files", { timeout: 180_000 }, async (t) => {
    const server = await start({ env: quick });
    const limit = (bytes) => execFileSync("prlimit", ["--pid", String(server.pid), `--fsize=${bytes}`]);
    const told = await fullDisk(t, server, () => limit("400000:unlimited"), () => limit("unlimited:unlimited"), /check the disk/);
    await judgeDisk(server.dataDir, told);
  });
});

// --- Silence ---------------------------------------------------------------------------------------------------------------

describe("silence", () => {
  test("who answers pings stays, who is silent for two of them is closed", { timeout: 60_000 }, async () => {
    const server = await start({ env: { PARLEY_HEARTBEAT_MS: "2000" } });
    const { ann, reader } = await chat(server);
    const dead = await rawSession(server.url, ann.token, { from: "127.0.0.66" });
    raws.push(dead);
    let pings = 0;
    reader.socket.on("ping", () => pings++); // and the client has answered by itself
    const since = Date.now();
    await dead.until("the end of the silent one", () => dead.gone, 20_000);
    assert.ok(dead.frames.some((f) => f.op === OP.ping), "it was asked first");
    assert.ok(Date.now() - since > 2500, "and given time");
    await eventually("several pings", () => pings >= 3);
    assert.equal(reader.closed, null, "a client that does nothing but answer pings stays");
    await server.stop();
  });
});

// --- Going ------------------------------------------------------------------------------------------------------------------

describe("SIGTERM", () => {
  test("tells the clients when to come back, answers what is pending, closes with 4000, exits 0", { timeout: 60_000 }, async (t) => {
    const server = await start({ env: quick });
    const { ann, channel, stream, writer, reader } = await chat(server);
    const others = await Promise.all(Array.from({ length: 20 }, () => Client.open(server.url, { token: ann.token })));
    const idle = raw(server);
    await idle.connected;
    const outcomes = Array.from({ length: 100 }, (_, i) =>
      writer.request("message.send", { channel: channel.id, text: String(i), client_msg_id: `d${i}` }).then((r) => r.message, (e) => e));
    await writer.until("the first answer", (c) => c.pending.size < 100);
    const since = Date.now();
    const stopped = server.stop();
    const settled = await Promise.all(outcomes);
    const acked = settled.filter((o) => !(o instanceof Error));
    for (const o of settled) assert.ok(!(o instanceof Error) || o.type === "unavailable", `each is answered: ${o}`);
    const { code } = await stopped;
    const took = Date.now() - since;
    assert.equal(code, 0, server.log());
    assert.ok(took < 10_000, `within 10 s: ${took} ms`);
    const all = [writer, reader, ...others];
    for (const c of all) assert.equal((await c.ended).code, 4000);
    const times = all.map((c) => c.events.find((e) => e.method === "server.draining")?.params.reconnect_after_ms);
    assert.ok(times.every((ms) => ms >= 0 && ms < 60_000), `all are told: ${times}`);
    assert.ok(new Set(times).size > all.length / 2, `spread over time: ${times}`);
    t.diagnostic(`${acked.length} of 100 acknowledged, exit after ${took} ms, back after ${Math.min(...times)}-${Math.max(...times)} ms`);
    await judgeDisk(server.dataDir, { ann, channel, stream, acked });
  });

  test("ends in time although clients neither read nor close", { timeout: 60_000 }, async () => {
    const server = await start({ env: { ...quick, PARLEY_DRAIN_TIMEOUT_MS: "4000" } });
    const { ann, say } = await chat(server);
    await say();
    for (let i = 0; i < 30; i++) {
      const r = await rawSession(server.url, ann.token, { from: "127.0.0.66" });
      r.socket.pause();
      raws.push(r);
    }
    const half = raw(server);
    await half.connected;
    half.write("POST /api/v1/auth.login HTTP/1.1\r\nContent-Length: 100\r\nContent-Type: application/json\r\n\r\n{");
    const since = Date.now();
    const { code } = await server.stop();
    assert.equal(code, 0);
    assert.ok(Date.now() - since < 8000, `${Date.now() - since} ms`);
  });
});

// --- A data directory that is not for us -------------------------------------------------------------------------------------

describe("the data directory", () => {
  const refused = (dataDir, ...args) => spawnSync(PARLEYD, ["--listen", "127.0.0.1:0", "--data", dataDir, ...args], { encoding: "utf8", timeout: 30_000 });

  test("a second parleyd on it is refused, and the first goes on", async () => {
    const server = await start();
    const { say } = await chat(server);
    const second = refused(server.dataDir);
    assert.equal(second.status, 1, second.stderr);
    assert.match(second.stderr, new RegExp(`${server.dataDir}.*(use|lock|another|running)`), "it says which and why");
    await say();
    assert.match(readFileSync(join(server.dataDir, "parley.lock"), "utf8"), new RegExp(`^${server.pid}\\b`));
    await server.stop();
  });

  test("a killed parleyd leaves nothing that keeps the next one out", async () => {
    const server = await start();
    await server.kill();
    const next = await start({ dataDir: server.dataDir });
    assert.equal(await status(next, "/readyz"), 200);
    await next.stop();
  });

  test("a file that is no database, and one of something else, are refused by name and left alone", () => {
    for (const content of ["this is not a database", Buffer.alloc(100_000, 0x5a)]) {
      const dataDir = temporaryFolder();
      const file = join(dataDir, "parley.db");
      writeFileSync(file, content);
      const run = refused(dataDir);
      assert.equal(run.status, 1, run.stderr);
      assert.match(run.stderr, /parley\.db/);
      assert.deepEqual(readFileSync(file), Buffer.from(content), "it was not touched");
    }
  });

  test("a directory that cannot be written to is refused by name", (t) => {
    const dataDir = smallDisk(t, "1m");
    if (!dataDir) return t.skip("mounting is not allowed here");
    mkdirSync(join(dataDir, "x"));
    execFileSync("mount", ["-o", "remount,ro", dataDir]);
    const run = refused(dataDir);
    assert.equal(run.status, 1, run.stderr);
    assert.ok(run.stderr.includes(dataDir), run.stderr);
    return undefined;
  });
});
