// The others: a small well-behaved chat that goes on while something else is done to the server, in a thread of its own,
// and measures what its people feel: how long until a send is acknowledged, and until everybody has it.

import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { setTimeout as sleep } from "node:timers/promises";
import { once } from "node:events";
import { Client } from "../lib/client.mjs";
import { must, people } from "../lib/people.mjs";

const PACE_MS = 25; // between two messages
const FLOOR_MS = Number(process.env.FAULT_FLOOR_MS ?? 25); // what a busy machine may add
const SHORT = process.env.FAULT_SHORT === "1"; // for when something else than time is looked at

const percentile = (list, p) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * p))] ?? 0;

/** The others had to wait longer than they should. */
export class Noticed extends Error {}

/** Starts the chat: its accounts are made on the server at URL. */
export async function startWitness(url, names = ["wanda", "willy", "wilma"]) {
  const users = Object.values(await people(url, ...names));
  const { channel } = await must(url, "channel.create", { name: `${names[0]}s` }, users[0].token);
  for (const user of users.slice(1)) await must(url, "channel.invite", { channel: channel.id, user: user.id }, users[0].token);
  const worker = new Worker(new URL(import.meta.url), { workerData: { url, channel: channel.id, tokens: users.map((u) => u.token) } });
  return new Witness(worker, users, channel);
}

class Witness {
  constructor(worker, users, channel) {
    Object.assign(this, { worker, users, channel });
    this.failed = new Promise((_, reject) => worker.once("error", reject));
    this.failed.catch(() => {});
  }

  async #ask(what) {
    this.worker.postMessage(what);
    const [answer] = await Promise.race([once(this.worker, "message"), this.failed]);
    return answer;
  }

  /** Looks at what happens while BODY runs, at least MS: { acks, deliveries } with p99 in ms. Nothing may be lost. */
  async during(body, ms = SHORT ? 0 : 1000) {
    await this.#ask("begin");
    const [result] = await Promise.all([body(), sleep(ms)]);
    const seen = await this.#ask("end");
    return { ...seen, result };
  }

  /** ATTACK while the others chat: they must not notice. Gives what ATTACK gives. FLOOR: ms that it may cost in any case. */
  async unmoved(t, attack, { before, ms, floor = 0 } = {}) {
    const calm = before ?? (SHORT ? this.calm : undefined) ?? (await this.during(() => {}, 1500));
    this.calm = calm;
    const under = await this.during(attack, ms);
    const told = ["ack", "delivery"].map((k) => `${k} p99 ${calm[k].toFixed(1)} -> ${under[k].toFixed(1)} ms`).join(", ");
    t.diagnostic(`the others: ${told}; ${under.sent} messages, ${under.received} deliveries, none missing`);
    for (const kind of ["ack", "delivery"]) {
      if (under[kind] <= 2 * calm[kind] + Math.max(FLOOR_MS, floor)) continue;
      throw new Noticed(`the others' ${kind} p99 was ${calm[kind].toFixed(1)} ms, became ${under[kind].toFixed(1)} ms`);
    }
    return under.result;
  }

  async stop() {
    await this.#ask("stop");
    await this.worker.terminate();
  }
}

// --- The thread -------------------------------------------------------------------------------------------------------

async function chat({ url, channel, tokens }) {
  const stream = `c:${channel}`;
  const clients = await Promise.all(tokens.map((token) => Client.open(url, { token, keep: false })));
  const sentAt = new Map(); // text -> when
  const missing = new Map(); // text -> who has not got it yet
  let acks = [];
  let deliveries = [];
  let sent = 0;
  let running = true;
  clients.forEach((client) => {
    let at = client.started.channels.find((c) => c.id === channel).seq;
    client.onFrame = (frame) => {
      const { params } = frame;
      if (params?.stream !== stream || params.seq === undefined) return;
      if (params.seq !== at + 1) throw new Error(`the others got ${params.seq} after ${at}`);
      at = params.seq;
      const text = params.message?.text;
      deliveries.push(performance.now() - sentAt.get(text));
      if (missing.get(text) === 1) missing.delete(text);
      else missing.set(text, missing.get(text) - 1);
    };
    client.ended.then(({ code }) => {
      if (running) throw new Error(`a connection of the others was closed with ${code}`);
    });
  });
  const all = async () => {
    const deadline = Date.now() + 30_000;
    while (missing.size > 0) {
      if (Date.now() > deadline) throw new Error(`the others miss ${[...missing.keys()]}`);
      await sleep(5);
    }
  };
  parentPort.on("message", async (what) => {
    await all();
    const measured = { ack: percentile(acks, 0.99), delivery: percentile(deliveries, 0.99), sent: acks.length, received: deliveries.length };
    [acks, deliveries] = [[], []];
    if (what === "stop") {
      running = false;
      clients.forEach((c) => c.vanish());
    }
    parentPort.postMessage(measured);
  });
  while (running) {
    const client = clients[sent % clients.length];
    const text = `message ${++sent}`;
    const start = performance.now();
    sentAt.set(text, start);
    missing.set(text, clients.length);
    client.request("message.send", { channel, text }).then(
      () => acks.push(performance.now() - start),
      (error) => {
        if (running) throw error;
      },
    );
    await sleep(PACE_MS);
  }
}

if (!isMainThread && workerData?.tokens) await chat(workerData);
