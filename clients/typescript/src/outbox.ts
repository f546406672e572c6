// The queue of messages that are not acknowledged yet. Each has a client_msg_id made once and kept over reloads, so that
// sending it again, however often, is one message. One message a channel is in flight, which keeps their order.

import { CallError } from "./errors.js";
import type { ErrorData, Id, Message, Params, Result } from "./generated/protocol.js";

/** Why a message was refused: what CallError has, in a form that can be stored. */
export interface Refusal extends ErrorData {
  message: string;
}

export interface OutboxItem {
  client_msg_id: string;
  user: Id;
  channel: Id;
  text: string;
  created_at: string;
  /** Order of writing. */
  n: number;
  /** Why the server refused it: it then waits for retry or discard. */
  failed?: Refusal;
}

/** Where the queue is kept. Writes take effect in the order in which they are asked for. */
export interface OutboxStore {
  /** What is kept for this user, in any order. */
  all(user: Id): Promise<OutboxItem[]>;
  put(item: OutboxItem): Promise<void>;
  remove(clientMsgId: string): Promise<void>;
}

export interface Enqueued {
  item: OutboxItem;
  /** Whether the store has it, once that is known. */
  stored: Promise<boolean>;
}

export interface OutboxHost {
  online(): boolean;
  send(params: Params<"message.send">): Promise<Result<"message.send">>;
  later(ms: number, run: () => void): () => void;
  newId(): string;
  now(): number;
}

export interface OutboxListener {
  /** An item is new, or is now refused, or is tried again. */
  changed(item: OutboxItem): void;
  /** The server has it, durably. */
  acked(item: OutboxItem, message: Message): void;
  /** It was thrown away. */
  removed(item: OutboxItem): void;
  /** The store failed: what is written now lives no longer than this process. */
  unstored(error: unknown): void;
  /** Sending pauses until `until` (milliseconds): the server asked for a slower pace. */
  throttled(until: number): void;
}

const RETRY_MS = 1_000;

export class Outbox {
  private items: OutboxItem[] = [];
  /** Channels with a message in flight or a pause; how to end the pause. */
  private readonly busy = new Map<Id, () => void>();
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
    // What is acknowledged while the store is read must not come back from there.
    const known = new Set(this.items.map((i) => i.client_msg_id));
    const all = await this.store.all(user).catch((error: unknown) => {
      this.listener.unstored(error);
      return [];
    });
    const stored = all.filter((i) => isItem(i) && i.user === user);
    stored.sort((a, b) => a.n - b.n);
    for (const item of this.items) known.add(item.client_msg_id);
    const earlier = stored.filter((i) => !known.has(i.client_msg_id));
    this.lastN = Math.max(this.lastN, ...earlier.map((i) => i.n));
    const own = this.items.filter((i) => i.user === user);
    // What this page wrote before it knew of them comes after them, whatever the clock said.
    for (const item of earlier.length > 0 ? own : []) {
      item.n = ++this.lastN;
      void this.keep(item);
    }
    this.items = [...earlier, ...own];
    this.ready = true;
    return earlier;
  }

  /** Forgets what is in memory; the stored messages wait for the same user's next sign-in. */
  close(): void {
    this.items = [];
    this.ready = false;
    for (const endPause of this.busy.values()) endPause();
    this.busy.clear();
  }

  /** Deletes everything, for a person who signs out and leaves nothing behind. */
  async discardAll(): Promise<void> {
    const items = this.items;
    this.close();
    await Promise.all(items.map((i) => this.drop(i)));
  }

  get size(): number {
    return this.items.length;
  }

  enqueue(user: Id, channel: Id, text: string, clientMsgId = this.host.newId()): Enqueued {
    const before = this.find(clientMsgId);
    if (before !== undefined) return { item: before, stored: this.keep(before) };
    const now = this.host.now();
    this.lastN = Math.max(now, this.lastN + 1);
    const item: OutboxItem = {
      client_msg_id: clientMsgId,
      user,
      channel,
      text,
      created_at: new Date(now).toISOString(),
      n: this.lastN,
    };
    this.items.push(item);
    const stored = this.keep(item);
    this.listener.changed(item);
    this.pump(channel);
    return { item, stored };
  }

  retry(clientMsgId: string): void {
    const item = this.find(clientMsgId);
    if (item === undefined) return;
    delete item.failed;
    void this.keep(item);
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
  settle(clientMsgId: string, message: Message): void {
    const item = this.find(clientMsgId);
    if (item === undefined) return;
    this.forget(item);
    this.listener.acked(item, message);
  }

  pumpAll(): void {
    for (const channel of new Set(this.items.map((i) => i.channel))) this.pump(channel);
  }

  private pump(channel: Id): void {
    if (!this.ready || !this.host.online() || this.busy.has(channel)) return;
    const item = this.items.find((i) => i.channel === channel && i.failed === undefined);
    if (item === undefined) return;
    const turn = () => undefined;
    this.busy.set(channel, turn);
    // Whoever closes the queue meanwhile has ended this turn too: another user's may have begun.
    const ends = () => this.busy.get(channel) === turn && this.busy.delete(channel);
    this.host.send({ channel, text: item.text, client_msg_id: item.client_msg_id }).then(
      (result) => {
        if (ends()) this.settle(item.client_msg_id, result.message);
        this.pump(channel);
      },
      (error: unknown) => {
        if (ends()) this.sendFailed(item, error);
      },
    );
  }

  private sendFailed(item: OutboxItem, error: unknown): void {
    const { type, data, message, disconnected } = error instanceof CallError ? error : CallError.unknown(error);
    if (!disconnected && (type === "unavailable" || type === "rate_limited")) {
      const wait = Math.max(data.retry_after_ms ?? RETRY_MS, 250);
      if (type === "rate_limited") this.listener.throttled(this.host.now() + wait);
      const endPause = this.host.later(wait, () => {
        this.busy.delete(item.channel);
        this.pump(item.channel);
      });
      this.busy.set(item.channel, endPause);
      return;
    }
    if (!disconnected && this.find(item.client_msg_id) !== undefined) {
      item.failed = { ...data, message };
      void this.keep(item);
      this.listener.changed(item);
    }
    this.pump(item.channel);
  }

  private drop(item: OutboxItem): Promise<void> {
    return this.store.remove(item.client_msg_id).catch((error: unknown) => this.listener.unstored(error));
  }

  private keep(item: OutboxItem): Promise<boolean> {
    return this.store.put({ ...item }).then(
      () => true,
      (error: unknown) => {
        this.listener.unstored(error);
        return false;
      },
    );
  }

  private find(clientMsgId: string): OutboxItem | undefined {
    return this.items.find((i) => i.client_msg_id === clientMsgId);
  }

  private forget(item: OutboxItem): void {
    this.items = this.items.filter((i) => i.client_msg_id !== item.client_msg_id);
    void this.drop(item);
  }
}

/** What was stored may have been written by an older version, or by somebody else. */
function isItem(item: OutboxItem): boolean {
  const { client_msg_id, channel, text, created_at, n } = item as Partial<Record<keyof OutboxItem, unknown>>;
  if (typeof item.failed !== "object") delete item.failed;
  return [client_msg_id, channel, text, created_at].every((v) => typeof v === "string") && Number.isSafeInteger(n);
}
