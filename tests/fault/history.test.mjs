// Many devices chat, edit, delete, join, leave, vanish and resume while the server is killed again and again. Nothing
// that was acknowledged may be lost or doubled, and everybody sees the same order: see checker.mjs.
//
// FAULT_SECONDS: how long (15). FAULT_SEED: the choices of a run before; it is printed. FAULT_DEVICES: how many (30).

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { start, temporaryFolder, within } from "../lib/parleyd.mjs";
import { Random, chooseSeed } from "../lib/random.mjs";
import { converge, endWorld, explainDevice, judgeServer, makeWorld } from "./chat.mjs";
import { Violation } from "./checker.mjs";

const SECONDS = Number(process.env.FAULT_SECONDS ?? 15);
const DEVICES = Number(process.env.FAULT_DEVICES ?? 30);
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

// --- Telling ----------------------------------------------------------------------------------------------------------

function explain(world, mortal, error) {
  const lines = [`${error.message}${error.cause ? `: ${error.cause.message}` : ""}`, `repeat with FAULT_SEED=${seed}; ${mortal.kills} kills, ${mortal.drains} drains so far`];
  lines.push(...explainDevice(world), "the server's last words:", ...(mortal.lastLog ?? "").trimEnd().split("\n").slice(-8).map((l) => `  ${l}`));
  return lines.join("\n");
}

test("nothing acknowledged is lost or doubled and all see one order, whatever dies", async (t) => {
  t.diagnostic(`FAULT_SEED=${seed} FAULT_SECONDS=${SECONDS}`);
  const mortal = new Mortal(new Random(seed));
  const url = await mortal.start();
  const world = await makeWorld(url, { seed, devices: DEVICES });
  try {
    const lives = world.devices.map((d) => d.run().catch((error) => world.violated(d, error)));
    await mortal.live(Date.now() + SECONDS * 1000, () => world.violation !== null);
    world.devices.forEach((d) => (d.stopping = true));
    if (world.violation) throw world.violation.error;
    await within(SETTLE_MS, "the settling of all sends", Promise.all(lives));
    if (world.violation) throw world.violation.error;
    await converge(world, url);
    if (world.violation) throw world.violation.error;

    // What is there now is there after one more death, too.
    await mortal.kill();
    await mortal.start();
    await judgeServer(world, url);
  } catch (error) {
    const trouble = new Error(explain(world, mortal, error));
    if (error instanceof Violation) trouble.stack = trouble.message;
    throw trouble;
  } finally {
    endWorld(world);
    await mortal.server.kill();
  }
  t.diagnostic(`${mortal.kills} kills, ${mortal.drains} drains; ${Object.entries(world.counts).map(([k, n]) => `${n} ${k}`).join(", ")}`);
  assert.ok(world.counts.acknowledged > 0 && world.counts.resumed > 0 && mortal.kills > 0, "something has happened at all");
});
