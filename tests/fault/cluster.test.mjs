// Devices chat on three nodes and move between them, while nodes, Redis and the database are killed, stopped, cut off and
// slowed, and clocks are wrong. Nothing that was acknowledged may be lost or doubled, everybody sees the same order, on
// every node; and soon after the last fault all is well without a restart: see checker.mjs, cluster.mjs.
//
// FAULT_SECONDS: how long, at least 12. FAULT_SEED: the choices of a run before; it is printed. FAULT_DEVICES: how many (18).
// The figures are printed as a table: docs/reliability.md has those of a long run.

import assert from "node:assert/strict";
import { test } from "node:test";
import { call, within } from "../lib/parleyd.mjs";
import { eventually } from "../lib/process.mjs";
import { Random, chooseSeed } from "../lib/random.mjs";
import { converge, endWorld, explainDevice, judgeServer, makeWorld } from "./chat.mjs";
import { Violation } from "./checker.mjs";
import { Cluster, harm } from "./cluster.mjs";

const SECONDS = Math.max(12, Number(process.env.FAULT_SECONDS ?? 12));
const DEVICES = Number(process.env.FAULT_DEVICES ?? 18);
const HEALTHY_MS = 10_000;
const SETTLE_MS = 60_000;

const seed = chooseSeed();

// A message that is sent to each node arrives.
async function usable(world, cluster, ms) {
  const [{ id }] = world.channels;
  await Promise.all(cluster.nodes.map(({ name, server }, i) => {
    const text = `is ${name} there`;
    world.ledger.send(`health-${name}`, { author: world.root.id, channel: id, text });
    const params = { channel: id, text, client_msg_id: `health-${name}` };
    return eventually(`a message through ${name}`, async () => (await call(server.url, "message.send", params, world.root.token)).status === 200, ms);
  }));
}

function table(rows) {
  const width = Math.max(...Object.keys(rows).map((key) => key.length));
  const line = ([key, value]) => `| ${key.padEnd(width)} | ${String(value).padStart(9)} |`;
  return [line(["what", "count"]), `| ${"-".repeat(width)} | ${"-".repeat(8)}: |`, ...Object.entries(rows).map(line)].join("\n");
}

function explain(world, cluster, error) {
  const lines = [`${error.message}`, `repeat with FAULT_SEED=${seed}; ${cluster.faults} faults so far`, ...(world ? explainDevice(world) : [])];
  for (const node of cluster.nodes) {
    const log = node.server?.log() || node.lastLog;
    lines.push(`the last words of ${node.name}:`, ...log.trimEnd().split("\n").slice(-8).map((l) => `  ${l}`));
  }
  return lines.join("\n");
}

async function chat(cluster, random, { onWorld }) {
  await cluster.start();
  const world = await makeWorld(cluster.nodes[0].server.url, {
    seed,
    devices: DEVICES,
    connectTo: (r) => cluster.url(r),
    patienceMs: 3000,
    paceMs: 150,
  });
  onWorld(world);
  const lives = world.devices.map((d) => d.run().catch((error) => world.violated(d, error)));
  const fail = () => {
    if (world.violation) throw world.violation.error;
  };
  const deadline = Date.now() + SECONDS * 1000;
  await harm(cluster, random, () => Date.now() > deadline || world.violation !== null);
  fail();
  const end = performance.now();
  const ready = await cluster.healthy(HEALTHY_MS);
  await usable(world, cluster, HEALTHY_MS - ready);
  const healed = performance.now() - end;
  world.devices.forEach((d) => (d.stopping = true));
  await within(SETTLE_MS, "the settling of all sends", Promise.all(lives));
  fail();
  await converge(world, cluster.nodes[0].server.url);
  fail();
  for (const { server } of cluster.nodes) await judgeServer(world, server.url);

  // What is there now is there after all have died, too.
  await cluster.restartAll();
  for (const { server } of cluster.nodes) await judgeServer(world, server.url);
  return { ready, healed };
}

test("a cluster loses nothing, doubles nothing and keeps one order, whatever fails", async (t) => {
  t.diagnostic(`FAULT_SEED=${seed} FAULT_SECONDS=${SECONDS}`);
  const cluster = new Cluster();
  let world;
  let figures;
  try {
    figures = await chat(cluster, new Random(seed), { onWorld: (w) => (world = w) });
  } catch (error) {
    const trouble = new Error(explain(world, cluster, error));
    if (error instanceof Violation) trouble.stack = trouble.message;
    throw trouble;
  } finally {
    if (world) endWorld(world);
    await cluster.stop();
  }
  const { counts } = world;
  console.log(table({
    ...cluster.counts,
    "faults in all": cluster.faults,
    "seconds of it": SECONDS,
    "messages acknowledged": counts.acknowledged,
    "sends repeated": counts.retries ?? 0,
    "events seen by devices": counts.events,
    "connections": counts.sessions,
    "streams resumed": counts.resumed,
    "streams fetched anew": counts["fetched anew"],
    "starts that a missing server refused": cluster.nodes.reduce((n, node) => n + node.refusals, 0),
    "ms after the last fault until all were ready": Math.round(figures.ready),
    "ms after the last fault until all took messages": Math.round(figures.healed),
  }));
  assert.ok(counts.acknowledged > 0 && counts.resumed > 0, "people have chatted");
  assert.ok(cluster.faults >= SECONDS / 4, `only ${cluster.faults} faults`);
});
