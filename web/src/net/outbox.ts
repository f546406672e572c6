// The queue of messages that are not acknowledged yet. Each has a client_msg_id made once and kept over reloads, so that
// sending it again, however often, is one message. One message a channel is in flight, which keeps their order.

import type { Id, Message, Params, Result } from "../generated/protocol";
import { CallError, explain } from "./errors";

export interface OutboxItem {
  client_msg_id: string;
  user: Id;
  channel: Id;
  text: string;
  created_at: string;
  /** Order of writing. */
  n: number;
  failed?: string;
}

export interface OutboxStore {
  all(user: Id): Promise<OutboxItem[]>;
  put(item: OutboxItem): Promise<void>;
  remove(clientMsgId: string): Promise<void>;
}

export interface OutboxHost {
  online(): boolean;
  send(params: Params<"message.send">): Promise<Result<"message.send">>;
  later(ms: number, run: () => void): () => void;
  newId(): string;
  now(): number;
}

export interface OutboxListener {
  changed(item: OutboxItem): void;
  acked(item: OutboxItem, message: Message): void;
  removed(item: OutboxItem): void;
  /** Sending pauses until `until` (milliseconds): the server asked for a slower pace. */
  throttled(until: number): void;
}

const RETRY_MS = 1_000;

export class Outbox {
  private items: OutboxItem[] = [];
  private readonly busy = new Set<Id>();
  private lastN = 0;
  /** Nothing is sent before the stored messages are known: they come first. */
  private ready = false;

  constructor(
    private readonly store: OutboxStore,
    private readonly host: OutboxHost,
    private readonly listener: OutboxListener,
  ) {}

  /** Takes up what an earlier page left behind. */
  async load(user: Id): Promise<OutboxItem[]> {
    const stored = await this.store.all(user).catch(() => []);
    const known = new Set(this.items.map((i) => i.client_msg_id));
    const earlier = stored.filter((i) => !known.has(i.client_msg_id));
    this.lastN = Math.max(this.lastN, ...earlier.map((i) => i.n));
    const own = this.items.filter((i) => i.user === user);
    // What this page wrote before it knew of them comes after them, whatever the clock said.
    for (const item of earlier.length > 0 ? own : []) {
      item.n = ++this.lastN;
      this.store.put(item).catch(() => undefined);
    }
    this.items = [...earlier, ...own];
    this.ready = true;
    return earlier;
  }

  /** Forgets what is in memory; the stored messages wait for the same user's next sign-in. */
  close(): void {
    this.items = [];
    this.ready = false;
  }

  /** Deletes everything, for a person who signs out and leaves nothing behind. */
  async discardAll(): Promise<void> {
    const items = this.items;
    this.close();
    await Promise.all(items.map((i) => this.store.remove(i.client_msg_id).catch(() => undefined)));
  }

  get size(): number {
    return this.items.length;
  }

  enqueue(user: Id, channel: Id, text: string): OutboxItem {
    const now = this.host.now();
    this.lastN = Math.max(now, this.lastN + 1);
    const item: OutboxItem = {
      client_msg_id: this.host.newId(),
      user,
      channel,
      text,
      created_at: new Date(now).toISOString(),
      n: this.lastN,
    };
    this.items.push(item);
    this.store.put(item).catch(() => undefined);
    this.listener.changed(item);
    this.pump(channel);
    return item;
  }

  retry(clientMsgId: string): void {
    const item = this.find(clientMsgId);
    if (item === undefined) return;
    delete item.failed;
    this.store.put(item).catch(() => undefined);
    this.listener.changed(item);
    this.pump(item.channel);
  }

  discard(clientMsgId: string): void {
    const item = this.find(clientMsgId);
    if (item === undefined) return;
    this.forget(item);
    this.listener.removed(item);
  }

  /** An event shows that the message arrived, perhaps sent by another tab. */
  settle(clientMsgId: string): void {
    const item = this.find(clientMsgId);
    if (item !== undefined) this.forget(item);
  }

  pumpAll(): void {
    for (const channel of new Set(this.items.map((i) => i.channel))) this.pump(channel);
  }

  private pump(channel: Id): void {
    if (!this.ready || !this.host.online() || this.busy.has(channel)) return;
    const item = this.items.find((i) => i.channel === channel && i.failed === undefined);
    if (item === undefined) return;
    this.busy.add(channel);
    this.host.send({ channel, text: item.text, client_msg_id: item.client_msg_id }).then(
      (result) => {
        this.busy.delete(channel);
        this.forget(item);
        this.listener.acked(item, result.message);
        this.pump(channel);
      },
      (error: unknown) => {
        this.busy.delete(channel);
        this.sendFailed(item, error);
      },
    );
  }

  private sendFailed(item: OutboxItem, error: unknown): void {
    if (error instanceof CallError && error.disconnected) {
      this.pump(item.channel);
      return;
    }
    if (error instanceof CallError && (error.type === "unavailable" || error.type === "rate_limited")) {
      const wait = Math.max(error.data.retry_after_ms ?? RETRY_MS, 250);
      if (error.type === "rate_limited") this.listener.throttled(this.host.now() + wait);
      this.busy.add(item.channel);
      this.host.later(wait, () => {
        this.busy.delete(item.channel);
        this.pump(item.channel);
      });
      return;
    }
    if (this.find(item.client_msg_id) !== undefined) {
      item.failed = explain(error);
      this.store.put(item).catch(() => undefined);
      this.listener.changed(item);
    }
    this.pump(item.channel);
  }

  private find(clientMsgId: string): OutboxItem | undefined {
    return this.items.find((i) => i.client_msg_id === clientMsgId);
  }

  private forget(item: OutboxItem): void {
    this.items = this.items.filter((i) => i.client_msg_id !== item.client_msg_id);
    this.store.remove(item.client_msg_id).catch(() => undefined);
  }
}
