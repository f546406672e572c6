// A chat for the history checker: accounts, channels of each kind, devices; and at the end, what the servers say of it,
// read over HTTP and judged.

import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "../lib/client.mjs";
import { must, mustAll, register } from "../lib/people.mjs";
import { Random } from "../lib/random.mjs";
import { Ledger, Sightings, Violation, judge, judgeHistory, judgeMembers, judgeUnread } from "./checker.mjs";
import { Device } from "./device.mjs";

const USERS = 10;
const SETTLE_MS = 60_000;

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

/**
 * The chat, made on the server at URL. DEVICES: how many. connectTo(random): the URL of the server that a
 * device connects to next. paceMs, patienceMs: see Device.
 */
export async function makeWorld(url, { seed, devices, connectTo = () => url, ...pace }) {
  const root = await register(url, "root");
  const users = [];
  for (let i = 0; i < USERS; i++) users.push({ ...(await register(url, `user${i}`)), messages: [] });
  const counts = {};
  const world = {
    ...pace,
    connectTo,
    root,
    users,
    channels: await makeChannels(url, root, users),
    ledger: new Ledger(),
    sightings: new Sightings(),
    counts,
    count: (what) => (counts[what] = (counts[what] ?? 0) + 1),
    random: (name) => new Random([...name].reduce((n, c) => n * 31 + c.charCodeAt(0), seed) >>> 0),
    violation: null,
    violated: (device, error) => (world.violation ??= { device, error }),
  };
  world.devices = Array.from({ length: devices }, (_, i) => new Device(world, users[i % USERS], `d${i}`));
  return world;
}

// --- Reading ----------------------------------------------------------------------------------------------------------

async function readLog(url, stream, epoch, token) {
  const log = [];
  for (;;) {
    const page = await mustAll(url, "stream.events", { stream, epoch, after: log.length, limit: 200 }, token);
    log.push(...page.events);
    if (page.events.length === 0) {
      if (page.seq !== log.length) throw new Violation(`${stream}: the log ends at ${log.length}, its top is ${page.seq}`);
      return log;
    }
  }
}

/** The epoch of STREAM, as the devices know it. */
function epochOf(world, stream) {
  const positions = world.devices.map((d) => d.view.streams);
  return (positions.find((p) => p.has(stream))?.get(stream) ?? [...positions[0].values()][0]).epoch;
}

/** The logs of all streams, as the server at URL tells them: Map(stream -> events from the first on). */
export async function readLogs(world, url) {
  const logs = new Map();
  const read = async (stream, token) => logs.set(stream, await readLog(url, stream, epochOf(world, stream), token));
  for (const { id, reader } of world.channels) await read(`c:${id}`, reader.token);
  for (const user of world.users) await read(`u:${user.id}`, user.token);
  return logs;
}

async function readHistory(url, channel, back) {
  const all = [];
  for (let at = back ? Number.MAX_SAFE_INTEGER : 0; ; ) {
    const position = back ? { before: at } : { after: at };
    const page = await mustAll(url, "message.history", { channel: channel.id, limit: 77, ...position }, channel.reader.token);
    if (back) all.unshift(...page.messages);
    else all.push(...page.messages);
    if (!(back ? page.more_before : page.more_after)) return all;
    at = (back ? page.messages[0] : page.messages.at(-1)).seq;
  }
}

async function readMembers(url, channel) {
  const members = [];
  let cursor;
  do {
    const page = await mustAll(url, "channel.members", { channel: channel.id, limit: 3, cursor }, channel.reader.token);
    members.push(...page.members);
    cursor = page.next_cursor;
  } while (cursor);
  return members;
}

// --- The end ----------------------------------------------------------------------------------------------------------

/** Every device gets what there is, without being asked. */
export async function converge(world, url) {
  const deadline = Date.now() + SETTLE_MS;
  for (;;) {
    const logs = await readLogs(world, url);
    const tops = new Map([...logs].map(([stream, log]) => [stream, log.length]));
    const behind = world.devices.flatMap((d) => d.view.behind(tops).map((line) => `${d.name} ${line}`));
    if (world.violation || behind.length === 0) return;
    if (Date.now() > deadline) throw new Violation(`nothing more comes, but these are behind:\n  ${behind.join("\n  ")}`);
    await sleep(100);
  }
}

async function judgeChannels(world, url, folded) {
  for (const channel of world.channels) {
    const f = folded.get(`c:${channel.id}`);
    judgeHistory(f, await readHistory(url, channel, false), "forwards");
    judgeHistory(f, await readHistory(url, channel, true), "backwards");
    const { channel: row } = await mustAll(url, "channel.get", { channel: channel.id }, channel.reader.token);
    judgeMembers(f, await readMembers(url, channel), row.members);
  }
}

async function judgePeople(world, url, folded) {
  for (const user of world.users) {
    const fresh = await Client.open(url, { token: user.token });
    for (const row of fresh.started.channels) judgeUnread(folded.get(`c:${row.id}`), user, row, world.ledger);
    await fresh.close();
  }
}

/** All that the server at URL says, held against what everybody has seen and was told. */
export async function judgeServer(world, url) {
  const logs = await readLogs(world, url);
  const folded = judge({ logs, views: world.devices.map((d) => d.view), ledger: world.ledger });
  // That took a while: connections that the server has closed for idleness meanwhile must be seen as closed before the next request.
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  await judgeChannels(world, url, folded);
  await judgePeople(world, url, folded);
}

/** Ends the chat, however far it is. */
export function endWorld(world) {
  world.over = true;
  for (const device of world.devices) {
    device.stopping = true;
    device.client?.vanish();
  }
}

/** What a device was doing when it found something wrong: lines. */
export function explainDevice(world) {
  const { device } = world.violation ?? {};
  if (!device) return [];
  return [`the last of ${device.name} (${device.user.name}, ${device.user.id}):`, ...device.trace.slice(-30).map((l) => `  ${l}`)];
}
