// Many devices chat, edit, delete, join, leave, vanish and resume while the server is killed again and again. Nothing
// that was acknowledged may be lost or doubled, and everybody sees the same order: see checker.mjs.
//
// FAULT_SECONDS: how long (15). FAULT_SEED: the choices of a run before; it is printed. FAULT_DEVICES: how many (30).

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "../lib/client.mjs";
import { start, temporaryFolder, within } from "../lib/parleyd.mjs";
import { must, register } from "../lib/people.mjs";
import { Random, chooseSeed } from "../lib/random.mjs";
import { Ledger, Violation, judge, judgeHistory, judgeMembers, judgeUnread } from "./checker.mjs";
import { Device } from "./device.mjs";

const SECONDS = Number(process.env.FAULT_SECONDS ?? 15);
const DEVICES = Number(process.env.FAULT_DEVICES ?? 30);
const USERS = 10;
const SETTLE_MS = 60_000;

const seed = chooseSeed();

// --- The server, again and again ---------------------------------------------------------------------------------------

class Mortal {
  constructor(random) {
    this.random = random;
    this.dataDir = temporaryFolder();
    this.kills = this.drains = 0;
    // Few events can be resumed, so that being too far behind happens as well.
    this.env = { PARLEY_RESUME_EVENTS: "400", PARLEY_LOG_LEVEL: "warn" };
  }

  async start() {
    this.server = await start({ dataDir: this.dataDir, listen: this.listen, env: this.env });
    this.listen ??= this.server.url.replace("http://", "");
    return this.server.url;
  }

  async kill() {
    this.kills++;
    await this.server.kill();
    this.keepLog();
  }

  async drain() {
    this.drains++;
    const { code, signal } = await within(15_000, "the end after SIGTERM", this.server.stop());
    this.keepLog();
    if (code !== 0) throw new Violation(`SIGTERM ended parleyd with ${code ?? signal}\n${this.server.log()}`);
  }

  keepLog() {
    this.lastLog = this.server.log();
    const bad = this.lastLog.split("\n").find((line) => /ERROR:|WARNING: Thread|runtime error|command failed/.test(line));
    if (bad) throw new Violation(`the server's log has: ${bad}`);
  }

  /** Dies and comes back until the deadline or until something is wrong. */
  async live(deadline, over) {
    while (Date.now() < deadline && !over()) {
      await sleep(this.random.between(300, 2500));
      if (this.random.chance(0.85)) await this.kill();
      else await this.drain();
      await sleep(this.random.between(0, 150));
      await this.start();
    }
  }
}

// --- The chat ---------------------------------------------------------------------------------------------------------

async function makeChannels(url, root, users) {
  const channels = [{ ...(await must(url, "channel.list", {}, root.token)).channels.find((c) => c.name === "general") }];
  const kinds = ["public", "public", "public", "private", "private"];
  for (const [i, type] of kinds.entries()) {
    const creator = users[i];
    const { channel } = await must(url, "channel.create", { name: `${type}-${i}`, type }, creator.token);
    await must(url, "channel.invite", { channel: channel.id, user: root.id }, creator.token);
    channels.push({ ...channel, creator: creator.id });
  }
  for (const people of [[users[1], root], [users[2], users[3]]]) {
    const { channel } = await must(url, "dm.open", { users: people.map((p) => p.id) }, users[0].token);
    channels.push({ ...channel, reader: users[0] });
  }
  return channels.map(({ id, name, type, creator, reader = root }) => ({ id, name, type, creator, reader }));
}

async function makeWorld(url) {
  const root = await register(url, "root");
  const users = [];
  for (let i = 0; i < USERS; i++) users.push({ ...(await register(url, `user${i}`)), messages: [] });
  const counts = {};
  const world = {
    url,
    root,
    users,
    channels: await makeChannels(url, root, users),
    ledger: new Ledger(),
    counts,
    count: (what) => (counts[what] = (counts[what] ?? 0) + 1),
    random: (name) => new Random([...name].reduce((n, c) => n * 31 + c.charCodeAt(0), seed) >>> 0),
    violation: null,
    violated: (device, error) => (world.violation ??= { device, error }),
  };
  world.devices = Array.from({ length: DEVICES }, (_, i) => new Device(world, users[i % USERS], `d${i}`));
  return world;
}

// --- The end ----------------------------------------------------------------------------------------------------------

async function readLog(world, stream, epoch, token) {
  const log = [];
  for (;;) {
    const page = await must(world.url, "stream.events", { stream, epoch, after: log.length, limit: 200 }, token);
    log.push(...page.events);
    if (page.events.length === 0) {
      if (page.seq !== log.length) throw new Violation(`${stream}: the log ends at ${log.length}, its top is ${page.seq}`);
      return log;
    }
  }
}

async function readLogs(world) {
  const logs = new Map();
  const epoch = [...world.devices[0].view.streams.values()][0].epoch;
  for (const { id, reader } of world.channels) logs.set(`c:${id}`, await readLog(world, `c:${id}`, epoch, reader.token));
  for (const user of world.users) logs.set(`u:${user.id}`, await readLog(world, `u:${user.id}`, epoch, user.token));
  return logs;
}

async function readHistory(world, channel, back) {
  const all = [];
  for (let at = back ? Number.MAX_SAFE_INTEGER : 0; ; ) {
    const position = back ? { before: at } : { after: at };
    const page = await must(world.url, "message.history", { channel: channel.id, limit: 77, ...position }, channel.reader.token);
    if (back) all.unshift(...page.messages);
    else all.push(...page.messages);
    if (!(back ? page.more_before : page.more_after)) return all;
    at = (back ? page.messages[0] : page.messages.at(-1)).seq;
  }
}

async function readMembers(world, channel) {
  const members = [];
  let cursor;
  do {
    const page = await must(world.url, "channel.members", { channel: channel.id, limit: 3, cursor }, channel.reader.token);
    members.push(...page.members);
    cursor = page.next_cursor;
  } while (cursor);
  return members;
}

// Every device gets what there is, without being asked.
async function converge(world) {
  const deadline = Date.now() + SETTLE_MS;
  for (;;) {
    const logs = await readLogs(world);
    const tops = new Map([...logs].map(([stream, log]) => [stream, log.length]));
    const behind = world.devices.flatMap((d) => d.view.behind(tops).map((line) => `${d.name} ${line}`));
    if (world.violation) return;
    if (behind.length === 0) return;
    if (Date.now() > deadline) throw new Violation(`nothing more comes, but these are behind:\n  ${behind.join("\n  ")}`);
    await sleep(100);
  }
}

async function judgeChannels(world, folded) {
  for (const channel of world.channels) {
    const f = folded.get(`c:${channel.id}`);
    judgeHistory(f, await readHistory(world, channel, false), "forwards");
    judgeHistory(f, await readHistory(world, channel, true), "backwards");
    const { channel: row } = await must(world.url, "channel.get", { channel: channel.id }, channel.reader.token);
    judgeMembers(f, await readMembers(world, channel), row.members);
  }
}

async function judgePeople(world, folded) {
  for (const user of world.users) {
    const fresh = await Client.open(world.url, { token: user.token });
    for (const row of fresh.started.channels) judgeUnread(folded.get(`c:${row.id}`), user, row, world.ledger);
    await fresh.close();
  }
}

// --- Telling ----------------------------------------------------------------------------------------------------------

function explain(world, mortal, error) {
  const { device } = world.violation ?? {};
  const lines = [`${error.message}`, `repeat with FAULT_SEED=${seed}; ${mortal.kills} kills, ${mortal.drains} drains so far`];
  if (device) lines.push(`the last of ${device.name} (${device.user.name}, ${device.user.id}):`, ...device.trace.slice(-30).map((l) => `  ${l}`));
  lines.push("the server's last words:", ...(mortal.lastLog ?? "").trimEnd().split("\n").slice(-8).map((l) => `  ${l}`));
  return lines.join("\n");
}

test("nothing acknowledged is lost or doubled and all see one order, whatever dies", async (t) => {
  t.diagnostic(`FAULT_SEED=${seed} FAULT_SECONDS=${SECONDS}`);
  const mortal = new Mortal(new Random(seed));
  const world = await makeWorld(await mortal.start());
  try {
    const lives = world.devices.map((d) => d.run().catch((error) => world.violated(d, error)));
    await mortal.live(Date.now() + SECONDS * 1000, () => world.violation !== null);
    world.devices.forEach((d) => (d.stopping = true));
    if (world.violation) throw world.violation.error;
    await within(SETTLE_MS, "the settling of all sends", Promise.all(lives));
    if (world.violation) throw world.violation.error;
    await converge(world);
    if (world.violation) throw world.violation.error;

    // What is there now is there after one more death, too.
    await mortal.kill();
    await mortal.start();
    const folded = judge({ logs: await readLogs(world), views: world.devices.map((d) => d.view), ledger: world.ledger });
    await judgeChannels(world, folded);
    await judgePeople(world, folded);
  } catch (error) {
    const trouble = new Error(explain(world, mortal, error));
    if (error instanceof Violation) trouble.stack = trouble.message;
    throw trouble;
  } finally {
    world.devices.forEach((d) => ((d.stopping = true), d.client?.vanish()));
    await mortal.server.kill();
  }
  t.diagnostic(`${mortal.kills} kills, ${mortal.drains} drains; ${Object.entries(world.counts).map(([k, n]) => `${n} ${k}`).join(", ")}`);
  assert.ok(world.counts.acknowledged > 0 && world.counts.resumed > 0 && mortal.kills > 0, "something has happened at all");
});
