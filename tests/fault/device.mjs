// One device of one person: connects, resumes, does random things, loses its connection, comes back, tries again
// what was not answered. Everything it sees goes through its View, everything it is told into the Ledger.

import { setTimeout as sleep } from "node:timers/promises";
import { Client, CommandError, ConnectionLost } from "../lib/client.mjs";
import { View, Violation } from "./checker.mjs";

const PARALLEL = 4; // commands under way
const TRACE = 60; // lines kept
const WEIGHTS = {
  send: 50, edit: 10, delete: 5, join: 6, leave: 5, invite: 5, remove: 3, mark: 8, typing: 2, history: 3,
  vanish: 2, close: 1, freeze: 1,
};

// Answers that the random situation may well call for. All others are a mistake of the server.
const REFUSALS = new Set(["forbidden", "not_found", "conflict", "rate_limited", "unavailable"]);

export class Device {
  /**
   * WORLD: { connectTo, random, ledger, sightings, users, channels, count } - count(what) for the statistics; and, where they matter,
   * paceMs: the longest pause between two commands, patienceMs: how long a server may keep it waiting before it goes to
   * another one.
   */
  constructor(world, user, name) {
    Object.assign(this, { world, user, name, random: world.random(name) });
    this.view = new View(name, user.id, world.sightings);
    this.unsettled = new Map(); // client_msg_id -> { channel, text }
    this.trace = [];
    this.busy = new Set();
    this.stopping = false;
    this.sent = this.line = 0; // messages, connections
  }

  note(line) {
    this.trace.push(`${(performance.now() / 1000).toFixed(3)} ${line}`);
    if (this.trace.length > TRACE) this.trace.shift();
  }

  /** Until stop(): live. Afterwards connected, with everything settled. */
  async run() {
    while (!this.stopping) {
      if (!(await this.connect())) continue;
      await this.settle();
      while (!this.stopping && !this.client.closed) await this.live();
      await Promise.allSettled(this.busy);
    }
    while (!this.world.over && (!this.client || this.client.closed || this.unsettled.size > 0)) {
      if (!this.client || this.client.closed) await this.connect();
      else await this.settle();
    }
  }

  async connect() {
    this.firstAttempts = new Map(); // of this connection: client_msg_id -> request id, until it is answered
    this.busy = new Set();
    this.begunHere = false;
    this.line++;
    let client;
    try {
      client = new Client(this.world.connectTo(this.random), {
        keep: false,
        onFrame: (frame) => client === this.client && this.take(frame), // nothing more of one that was given up
      });
      this.client = client;
      this.startedWith = null;
      await this.patiently(client.opened);
      const positions = this.view.positions();
      this.startedWith = positions;
      await this.patiently(client.start({ token: this.user.token, streams: positions }));
    } catch (error) {
      if (this.violation) throw this.violation;
      if (error instanceof CommandError && error.type !== "unavailable") throw new Violation(error.message);
      client?.vanish();
      this.client = null;
      await sleep(this.random.between(5, 80));
      return false;
    }
    this.world.count("sessions");
    return true;
  }

  // The answer, or a lost connection if the server takes too long. Is it dead, or only slow? What was sent to it may yet
  // be carried out.
  async patiently(answer) {
    const { client } = this;
    const giveUp = () => {
      this.note("gives up waiting");
      this.world.count("servers given up");
      client.vanish();
    };
    const timer = this.world.patienceMs && setTimeout(giveUp, this.world.patienceMs);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }

  // Every frame, in order. What is thrown in here is thrown again where the device waits.
  take(frame) {
    try {
      this.look(frame);
    } catch (error) {
      this.violation ??= error;
      this.world.violated(this, error);
    }
  }

  look(frame) {
    if (frame.id === 1) {
      this.note(`session.start ${JSON.stringify(this.startedWith)}`);
      if (frame.result) this.begun(frame.result);
    } else if (frame.method !== undefined) {
      if (!this.begunHere && frame.method === "server.draining") return; // is told to all connections
      if (!this.begunHere) throw new Violation(`${frame.method} came before the answer to session.start`);
      this.event(frame);
    } else if (frame.id !== undefined) {
      for (const [id, request] of this.firstAttempts) if (request === frame.id) this.firstAttempts.delete(id);
    } else {
      throw new Violation(`neither an answer nor an event: ${JSON.stringify(frame)}`);
    }
  }

  begun(result) {
    this.begunHere = true;
    const rows = result.channels.map((c) => `${c.id}=${c.seq}${c.resumed ? "" : "!"}`).join(" ");
    this.note(`started ${JSON.stringify(result.streams)} ${rows}`);
    this.view.started(this.startedWith, result);
    for (const row of result.channels) this.world.count(row.resumed ? "resumed" : "fetched anew");
  }

  event(event) {
    const { params } = event;
    if (params.seq !== undefined) this.note(`${params.stream} ${params.seq} ${event.method} ${params.message?.id ?? params.user?.name ?? params.channel?.id ?? ""}`);
    if (event.method === "message.created" && this.firstAttempts.has(params.message.client_msg_id)) {
      throw new Violation(`the event of ${params.message.client_msg_id} came before the answer to its sender`);
    }
    this.view.take(event);
    this.world.count("events");
  }

  // --- Doing things --------------------------------------------------------------------------------------------------

  async live() {
    const what = this.random.weighted(WEIGHTS);
    if (this.busy.size >= PARALLEL) await this.patiently(Promise.race(this.busy));
    if (this.client.closed) return;
    const work = this[what]().catch((error) => this.unlessExpected(what, error)).finally(() => this.busy.delete(work));
    this.busy.add(work);
    await sleep(this.random.between(1, this.world.paceMs ?? 60));
    if (this.violation) throw this.violation;
  }

  unlessExpected(what, error) {
    if (error instanceof ConnectionLost) return;
    if (error instanceof CommandError && REFUSALS.has(error.type)) return;
    this.violation ??= error instanceof CommandError ? new Violation(`${what}: ${error.message}`) : error;
    this.world.violated(this, this.violation);
  }

  anyChannel() {
    return this.random.pick(this.world.channels);
  }

  // One of those that the user is in, as far as this device knows.
  myChannel() {
    const mine = this.world.channels.filter((c) => this.view.streams.has(`c:${c.id}`));
    return mine.length > 0 ? this.random.pick(mine) : this.anyChannel();
  }

  async send() {
    const id = `${this.name}-${++this.sent}`;
    const name = this.random.pick(this.world.users).name;
    const filler = this.random.chance(0.02) ? "ä".repeat(this.random.between(500, 4000)) : "";
    const text = `${id} ${this.random.chance(0.1) ? `@${name} ` : ""}${filler}`;
    const channel = this.random.chance(0.95) ? this.myChannel().id : this.anyChannel().id;
    this.unsettled.set(id, { channel, text });
    await this.attempt(id);
  }

  async attempt(id) {
    const { channel, text } = this.unsettled.get(id);
    const { ledger } = this.world;
    const send = ledger.send(id, { author: this.user.id, channel, text, line: `${this.name} ${this.line}` });
    const request = this.client.request("message.send", { channel, text, client_msg_id: id });
    if (send.attempts === 1) this.firstAttempts.set(id, this.client.lastId);
    else this.world.count("retries");
    this.note(`send ${id} to ${channel}, attempt ${send.attempts}`);
    try {
      const { message } = await request;
      ledger.acked(id, message);
      this.note(`acknowledged ${id}: ${message.id} at ${message.seq}`);
      this.unsettled.delete(id);
      this.user.messages.push({ id: message.id, channel });
      this.world.count("acknowledged");
    } catch (error) {
      // No channel is archived here: there is nothing that a send, or a send again, could be in conflict with.
      if (error.type === "conflict") throw new Violation(`${id}, attempt ${send.attempts}: ${error.message}`);
      if (error instanceof CommandError && error.type !== "unavailable") {
        send.refused = error.type;
        this.unsettled.delete(id);
      }
      throw error;
    }
  }

  /** Tries again what was not answered. */
  async settle() {
    for (const id of [...this.unsettled.keys()]) {
      try {
        await this.patiently(this.attempt(id));
      } catch (error) {
        this.unlessExpected("send again", error);
        if (this.violation) throw this.violation;
        if (error instanceof ConnectionLost) return;
        await sleep(this.random.between(20, 100));
      }
    }
  }

  async edit() {
    if (this.user.messages.length === 0) return;
    const { id } = this.random.pick(this.user.messages.slice(-20));
    const entry = { message: id, text: `${this.name} changed it, ${++this.sent}`, acked: false };
    this.world.ledger.edits.push(entry);
    const { message } = await this.client.request("message.edit", { message: id, text: entry.text });
    if (message.text !== entry.text || !message.edited_at) throw new Violation(`the edit was answered with ${JSON.stringify(message)}`);
    entry.acked = true;
    this.world.count("edits");
  }

  async delete() {
    if (this.user.messages.length === 0) return;
    const { id } = this.random.pick(this.user.messages);
    const entry = { message: id, acked: false };
    this.world.ledger.deletes.push(entry);
    const { message } = await this.client.request("message.delete", { message: id });
    if (message.text !== undefined || !message.deleted_at) throw new Violation(`the deletion was answered with ${JSON.stringify(message)}`);
    entry.acked = true;
    this.world.count("deletions");
  }

  async join() {
    const { id } = this.anyChannel();
    const { channel } = await this.client.request("channel.join", { channel: id });
    if (channel.id !== id || !(channel.seq > 0)) throw new Violation(`channel.join was answered with ${JSON.stringify(channel)}`);
    this.world.count("joins");
  }

  async leave() {
    const channel = this.myChannel();
    if (channel.creator === this.user.id) return;
    await this.client.request("channel.leave", { channel: channel.id });
    this.world.count("leaves");
  }

  async invite() {
    await this.client.request("channel.invite", { channel: this.myChannel().id, user: this.random.pick(this.world.users).id });
    this.world.count("invitations");
  }

  async remove() {
    const own = this.world.channels.filter((c) => c.creator === this.user.id);
    const other = this.random.pick(this.world.users);
    if (own.length === 0 || other.id === this.user.id) return;
    await this.client.request("channel.remove", { channel: this.random.pick(own).id, user: other.id });
    this.world.count("removals");
  }

  async mark() {
    const channel = this.myChannel().id;
    const at = this.view.streams.get(`c:${channel}`)?.at;
    if (!at) return;
    const result = await this.client.request("read.mark", { channel, seq: at });
    this.world.ledger.marked(this.user.id, channel, at, result);
    this.world.count("marks");
  }

  async typing() {
    await this.client.request("typing.start", { channel: this.myChannel().id });
  }

  // Positions within a page go up, and each message is in the page once.
  async history() {
    const { messages } = await this.client.request("message.history", { channel: this.myChannel().id, limit: 50 });
    messages.forEach((m, i) => {
      if (i > 0 && (m.seq <= messages[i - 1].seq || m.msg_no !== messages[i - 1].msg_no + 1)) {
        throw new Violation(`the history has ${messages[i - 1].seq}/${messages[i - 1].msg_no} before ${m.seq}/${m.msg_no}`);
      }
    });
  }

  async vanish() {
    this.note("vanishes");
    this.world.count("lost connections");
    await this.client.vanish();
  }

  async close() {
    this.note("closes");
    await this.client.close();
  }

  // Stops reading for a while, then is gone: what was written to it is lost.
  async freeze() {
    const { client } = this;
    client.pause();
    await sleep(this.random.between(50, 400));
    this.note("was frozen, vanishes");
    await client.vanish();
  }
}
