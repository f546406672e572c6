import { Connection } from "./connection.js";
import type { ConnectionListener, SignOutReason, Socket, Status } from "./connection.js";
import { CallError } from "./errors.js";
import type {
  AnyEvent,
  CommandName,
  Empty,
  EventName,
  Events,
  Id,
  Message,
  Params,
  Result,
  SessionStarted,
  Stream,
} from "./generated/protocol.js";
import { callHttp } from "./http.js";
import { Outbox } from "./outbox.js";
import type { OutboxItem, OutboxListener, OutboxStore } from "./outbox.js";
import { memoryStore } from "./stores.js";
import type { Positions } from "./tracker.js";

export interface Options {
  /** Where Parley is: "https://chat.example.org". Absent: where the page came from. */
  url?: string | URL;
  /** A session's token. Absent: the browser's session cookie, which auth.login over HTTP sets. */
  token?: string;
  /** Where an earlier process was: its `positions`. The events since then come first. */
  positions?: Positions;
  /** Keeps messages that are not acknowledged. Absent: memory. */
  store?: OutboxStore;
  /** For platforms without one, as Node.js before 22: that of the package ws. */
  WebSocket?: new (url: string) => Pick<Socket, "send" | "close">;
  fetch?: typeof fetch;
}

/** What there is to hear of beside the server's events; each is optional. */
export type Listener = Partial<ConnectionListener & OutboxListener> & {
  /** Messages that an earlier page or process has left in the queue. */
  restored?(items: OutboxItem[]): void;
};

/** Parameters that are all optional can be left out. */
export type Args<C extends CommandName> = Params<C> extends Empty
  ? [params?: Empty]
  : Partial<Params<C>> extends Params<C>
    ? [params?: Params<C>]
    : [params: Params<C>];

export interface Sending {
  item: OutboxItem;
  /** Whether the store has it, once that is known: from then on it outlives the process. */
  stored: Promise<boolean>;
  /**
   * The message once the server has stored it durably, over however many connections that takes. Rejected when the server refuses
   * it (it stays in the queue for `outbox.retry` or `outbox.discard`), when it is discarded, and when the client is closed.
   */
  message: Promise<Message>;
}

interface Promised<T> {
  promise: Promise<T>;
  resolve(value: T): void;
  reject(error: CallError): void;
}

type Handler = (params: never, event: AnyEvent) => void;

/**
 * A person's or a bot's session with a Parley server, over as many connections as it takes.
 *
 * Handlers run one after the other, in the order of the events, and must not throw: what they throw is reported as an uncaught
 * error and keeps nobody else from hearing of the event.
 */
export class Parley {
  /** Signs in from the next connection on. */
  token: string | undefined;
  /** The answer of the latest session.start; null before the first one and after the session's end. */
  session: SessionStarted | null = null;
  readonly outbox: Outbox;
  private readonly connection: Connection;
  private readonly base: string;
  private readonly fetch: typeof fetch;
  private readonly handlers = new Map<EventName, Set<Handler>>();
  private readonly listeners = new Set<Listener>();
  private readonly promised = new Map<string, Promised<Message>>();
  private starting: Promised<SessionStarted> | null = null;
  private unwatch: (() => void) | null = null;

  constructor(options: Options = {}) {
    const { url = (globalThis as { location?: Location }).location?.href, token, store = memoryStore() } = options;
    const socket = options.WebSocket ?? (globalThis as { WebSocket?: Options["WebSocket"] }).WebSocket;
    if (url === undefined) throw new Error("url is missing: where is the Parley server?");
    if (socket === undefined) throw new Error("this platform has no WebSocket: pass one, as that of the package ws");
    this.token = token;
    this.base = new URL("/", url).href;
    this.fetch = options.fetch ?? ((input, init) => fetch(input, init));
    const address = `${this.base.replace(/^http/, "ws")}ws`;
    this.connection = new Connection(
      {
        open: () => new socket(address) as Socket,
        token: () => this.token,
        now: () => Date.now(),
        random: () => Math.random(),
        later,
        stillSignedIn: () => this.stillSignedIn(),
      },
      {
        status: (status) => this.onStatus(status),
        started: (session, dropped) => this.onStarted(session, dropped),
        event: (event) => this.onEvent(event),
        resync: (stream) => this.tell("resync", stream),
        signedOut: (reason) => this.onSignedOut(reason),
      },
    );
    for (const [stream, position] of Object.entries(options.positions ?? {})) this.connection.tracker.set(stream, position);
    this.outbox = new Outbox(
      store,
      {
        online: () => this.connection.online,
        send: (params) => this.connection.call("message.send", params),
        later,
        newId,
        now: () => Date.now(),
      },
      {
        changed: (item) => this.onChanged(item),
        acked: (item, message) => this.onAcked(item, message),
        removed: (item) => this.onRemoved(item),
        unstored: (error) => this.tell("unstored", error),
        throttled: (until) => this.tell("throttled", until),
      },
    );
  }

  get status(): Status {
    return this.connection.status;
  }

  get online(): boolean {
    return this.connection.online;
  }

  /** Where this client is in every stream: the events up to there have been handed to the handlers. */
  get positions(): Positions {
    return this.connection.tracker.all();
  }

  /**
   * Connects, and stays connected until `close()` or the session's end. Resolved with the first session, however long the server
   * takes to be there; rejected when it cannot be started: `unauthenticated`.
   */
  start(): Promise<SessionStarted> {
    if (this.online && this.session !== null) return Promise.resolve(this.session);
    this.starting ??= promised();
    const { promise } = this.starting;
    this.unwatch ??= watchNetwork(() => this.nudge());
    this.connection.start();
    return promise;
  }

  /** Ends the connection and forgets the positions. The queue's messages stay in their store. */
  close(): void {
    this.connection.stop();
    this.end(CallError.lost());
  }

  /** Calls a command over the connection. Without one it fails at once: `unavailable` and `disconnected`. */
  call<C extends CommandName>(command: C, ...args: Args<C>): Promise<Result<C>> {
    return this.connection.call(command, (args[0] ?? {}));
  }

  /** Calls a command over HTTP, which needs no connection. session.start is not offered there. */
  http<C extends Exclude<CommandName, "session.start">>(command: C, ...args: Args<C>): Promise<Result<C>> {
    const { base, token, fetch } = this;
    return callHttp({ base, token, fetch }, command, (args[0] ?? {}) as Params<C>);
  }

  /**
   * Puts a message into the queue. It leaves when there is a connection, after those before it in its channel, and exists once
   * however often it has to be sent. A `clientMsgId` of one's own makes it the same message over processes, too.
   * Throws before the first session: only then is it known whose message it is.
   */
  send(channel: Id, text: string, clientMsgId?: string): Sending {
    if (this.session === null) throw new CallError({ type: "unauthenticated" }, "nobody is signed in");
    const { item, stored } = this.outbox.enqueue(this.session.user.id, channel, text, clientMsgId);
    return { item, stored, message: this.promiseOf(item.client_msg_id) };
  }

  /** Calls `handler` with each such event; gives what ends that. */
  on<E extends EventName>(name: E, handler: (params: Events[E], event: AnyEvent) => void): () => void {
    const handlers = this.handlers.get(name) ?? new Set();
    this.handlers.set(name, handlers.add(handler));
    return () => handlers.delete(handler);
  }

  /** Calls these whenever there is something to hear of; gives what ends that. */
  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The network is back, or the person is: do not wait for the next attempt. Browsers call it by themselves. */
  nudge(): void {
    this.connection.nudge();
  }

  /** A stream that an answer told of, as that of channel.join: its events begin after this position. */
  adopt(stream: Stream, position: { epoch: string; seq: number }): void {
    this.connection.tracker.adopt(stream, position);
  }

  /** Asks over HTTP. Fails when nobody answers. */
  async stillSignedIn(): Promise<boolean> {
    try {
      await this.http("auth.sessions");
      return true;
    } catch (error) {
      if (error instanceof CallError && error.type === "unauthenticated") return false;
      throw error;
    }
  }

  private onStatus(status: Status): void {
    this.tell("status", status);
    if (status.kind === "online") this.outbox.pumpAll();
  }

  private onStarted(session: SessionStarted, dropped: Stream[]): void {
    const { id } = session.user;
    if (this.session !== null && this.session.user.id !== id) this.outbox.close();
    this.session = session;
    this.tell("started", session, dropped);
    this.starting?.resolve(session);
    this.starting = null;
    void this.outbox.load(id).then((items) => {
      if (this.session?.user.id !== id) return;
      this.tell("restored", items);
      this.outbox.pumpAll();
    });
  }

  private onEvent(event: AnyEvent): void {
    this.tell("event", event);
    for (const handler of this.handlers.get(event.method) ?? []) run(() => handler(event.params as never, event));
    if (event.method !== "message.created") return;
    const { message } = event.params;
    // The ids are each author's own: another's may be the same.
    if (message.client_msg_id !== undefined && message.author === this.session?.user.id) {
      this.outbox.settle(message.client_msg_id, message);
    }
  }

  private onSignedOut(reason: SignOutReason): void {
    this.end(new CallError({ type: "unauthenticated" }, reason === "revoked" ? "the session has ended" : "sign in first"));
    this.tell("signedOut", reason);
  }

  private onChanged(item: OutboxItem): void {
    if (item.failed !== undefined) this.breakPromise(item, new CallError(item.failed, item.failed.message));
    this.tell("changed", item);
  }

  private onAcked(item: OutboxItem, message: Message): void {
    this.tell("acked", item, message);
    this.promised.get(item.client_msg_id)?.resolve(message);
    this.promised.delete(item.client_msg_id);
  }

  private onRemoved(item: OutboxItem): void {
    this.breakPromise(item, new CallError({ type: "gone" }, "the message was discarded"));
    this.tell("removed", item);
  }

  private end(error: CallError): void {
    this.unwatch?.();
    this.unwatch = null;
    this.session = null;
    this.outbox.close();
    this.starting?.reject(error);
    this.starting = null;
    for (const waiting of this.promised.values()) waiting.reject(error);
    this.promised.clear();
  }

  private promiseOf(clientMsgId: string): Promise<Message> {
    const known = this.promised.get(clientMsgId) ?? promised();
    this.promised.set(clientMsgId, known);
    return known.promise;
  }

  private breakPromise(item: OutboxItem, error: CallError): void {
    this.promised.get(item.client_msg_id)?.reject(error);
    this.promised.delete(item.client_msg_id);
  }

  private tell<K extends keyof Listener>(what: K, ...args: Parameters<NonNullable<Listener[K]>>): void {
    for (const listener of this.listeners) {
      run(() => (listener as Record<string, ((...args: unknown[]) => void) | undefined>)[what]?.(...args));
    }
  }
}

/** A promise that need not be looked at: its rejection is no uncaught error. */
function promised<T>(): Promised<T> {
  let settle: Omit<Promised<T>, "promise"> | undefined;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  promise.catch(() => undefined);
  return { promise, ...(settle as unknown as Omit<Promised<T>, "promise">) };
}

/** What a handler throws must not keep the connection from what it is doing. */
function run(handler: () => void): void {
  try {
    handler();
  } catch (error) {
    if (typeof reportError === "undefined") throwLater(error); // Node.js
    else reportError(error);
  }
}

function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

function later(ms: number, act: () => void): () => void {
  const timer = setTimeout(act, ms);
  return () => clearTimeout(timer);
}

/** 128 random bits: no two messages have the same. */
function newId(): string {
  const bytes = new Uint8Array(16);
  const source = (globalThis as { crypto?: Crypto }).crypto;
  // Node.js 18 hides its own. The id has to be unique, not secret.
  if (source === undefined) bytes.forEach((_, i) => (bytes[i] = Math.random() * 256));
  else source.getRandomValues(bytes);
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

/** Where there is a page: its network comes and goes, and so does the person. */
function watchNetwork(act: () => void): () => void {
  if (typeof document === "undefined") return () => undefined;
  const visible = () => {
    if (document.visibilityState === "visible") act();
  };
  addEventListener("online", act);
  addEventListener("offline", act);
  document.addEventListener("visibilitychange", visible);
  return () => {
    removeEventListener("online", act);
    removeEventListener("offline", act);
    document.removeEventListener("visibilitychange", visible);
  };
}
