// Owns the WebSocket: signing in, resuming, detecting gaps, backing off, noticing a dead peer.
//
//   open -> session.start {streams} -> online -> (close) -> waiting -> open ...
//
// Every durable event is checked against the tracker before it is handed on, so that whoever listens sees each stream's
// events once, in order, without holes: a hole is filled with stream.events first, and what cannot be filled is a resync.

import { Backoff } from "./backoff.js";
import { cutsOf } from "./cuts.js";
import { CallError } from "./errors.js";
import { CLOSE_CODES, LIMITS } from "./generated/protocol.js";
import type {
  AnyEvent,
  CommandName,
  ErrorData,
  Logged,
  Params,
  Result,
  SessionStarted,
  Stream,
} from "./generated/protocol.js";
import { Tracker } from "./tracker.js";

/** `waiting`: the next attempt is at `until`, in milliseconds as of Date.now(). */
export type Status =
  | { kind: "idle" }
  | { kind: "connecting"; attempt: number }
  | { kind: "online" }
  | { kind: "waiting"; attempt: number; until: number; why: "lost" | "draining" | "limited" };

export type SignOutReason = "unauthenticated" | "revoked";

/** What is used of a WebSocket: that of a browser, of Node.js 22, or of the package ws. */
export interface Socket {
  send(data: string): void;
  close(): void;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: unknown) => void) | null;
}

export interface Host {
  open(): Socket;
  /** Goes into session.start; without it the handshake's cookie has to say who this is. */
  token(): string | undefined;
  now(): number;
  random(): number;
  later(ms: number, run: () => void): () => void;
  /** Asks over HTTP whether the session is still good: a refused handshake does not say why. */
  stillSignedIn(): Promise<boolean>;
}

export interface ConnectionListener {
  status(status: Status): void;
  /** The first thing of every connection. `dropped` are the streams that could not be resumed: what is kept of them is void. */
  started(session: SessionStarted, dropped: Stream[]): void;
  /** Each event of a stream once, in the stream's order, none left out; and those that belong to no stream. */
  event(event: AnyEvent): void;
  /** Events of this stream are missing that cannot be had any more: fetch it anew. */
  resync(stream: Stream): void;
  signedOut(reason: SignOutReason): void;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: CallError): void;
  cancel(): void;
}

interface Frame {
  id?: number;
  result?: unknown;
  error?: { code: number; message: string; data?: ErrorData };
  method?: string;
  params?: unknown;
}

const REQUEST_TIMEOUT_MS = 20_000;
const PROBE_TIMEOUT_MS = 8_000;
const OPEN_TIMEOUT_MS = 10_000;
const GAP_PAGE = 200;
/** What session.start needs of a frame beside the positions. */
const START_BYTES = 1_024;

export class Connection {
  readonly tracker = new Tracker();
  private socket: Socket | null = null;
  private current: Status = { kind: "idle" };
  private nextId = 1;
  private readonly waiting = new Map<number, Waiting>();
  private readonly held = new Map<Stream, AnyEvent[]>();
  private readonly backoff: Backoff;
  private cancelTimer: (() => void) | null = null;
  private cancelWatch: (() => void) | null = null;
  private heartbeatMs = 25_000;
  private lastFrameAt = 0;
  private neverOpened = 0;
  private opened = false;
  private drainDelayMs: number | null = null;
  /** The server said that it goes: until it is back, that is why it does not answer. */
  private draining = false;
  private generation = 0;

  constructor(
    private readonly host: Host,
    private readonly listener: ConnectionListener,
  ) {
    this.backoff = new Backoff({ base_ms: 500, cap_ms: 15_000, random: () => host.random() });
  }

  get status(): Status {
    return this.current;
  }

  get online(): boolean {
    return this.current.kind === "online";
  }

  start(): void {
    if (this.current.kind === "idle") this.connect();
  }

  /** Closes for good and forgets every position: the next start is a fresh session. */
  stop(): void {
    this.teardown();
    this.tracker.clear();
    this.backoff.reset();
    this.neverOpened = 0;
    this.setStatus({ kind: "idle" });
  }

  /** The network or the person is back: try now, or make sure that the open socket still lives. */
  nudge(): void {
    if (this.current.kind === "waiting") this.connect();
    else if (this.online) this.probe();
  }

  call<C extends CommandName>(command: C, params: Params<C>): Promise<Result<C>> {
    if (!this.online) return Promise.reject(CallError.lost());
    return this.request(command, params, REQUEST_TIMEOUT_MS);
  }

  /** `atOnce` runs with the answer before any later frame is looked at; a promise's reaction would run after. */
  private request<C extends CommandName>(
    command: C,
    params: Params<C>,
    timeoutMs: number,
    atOnce?: (result: Result<C>) => void,
  ): Promise<Result<C>> {
    const socket = this.socket;
    if (socket === null) return Promise.reject(CallError.lost());
    const id = this.nextId++;
    const frame = JSON.stringify({ jsonrpc: "2.0", id, method: command, params });
    // The server would close the connection for it, and the outbox would send it again, for ever.
    if (isTooLarge(frame)) return Promise.reject(new CallError({ type: "too_large" }, "the request is too large"));
    return new Promise<Result<C>>((resolve, reject) => {
      const cancel = this.host.later(timeoutMs, () => {
        this.waiting.delete(id);
        reject(new CallError({ type: "unavailable" }, "the server did not answer in time"));
      });
      const settle = (result: unknown) => {
        atOnce?.(result as Result<C>);
        resolve(result as Result<C>);
      };
      this.waiting.set(id, { resolve: settle, reject, cancel });
      socket.send(frame);
    });
  }

  private connect(): void {
    this.teardown();
    const generation = this.generation;
    this.opened = false;
    this.setStatus({ kind: "connecting", attempt: this.backoff.count });
    let socket: Socket;
    try {
      socket = this.host.open();
    } catch {
      this.lost(1006);
      return;
    }
    this.socket = socket;
    this.cancelTimer = this.host.later(OPEN_TIMEOUT_MS, () => this.lost(1006));
    socket.onopen = () => {
      if (generation === this.generation) this.signIn(generation);
    };
    socket.onmessage = (event) => {
      if (generation === this.generation && typeof event.data === "string") this.receive(event.data);
    };
    socket.onclose = (event) => {
      if (generation === this.generation) this.lost(event.code);
    };
    // The close that follows says all there is to know; ws throws the errors that nobody listens to.
    socket.onerror = () => undefined;
  }

  private signIn(generation: number): void {
    this.opened = true;
    this.neverOpened = 0;
    const begin = (session: SessionStarted) => this.begin(session);
    const token = this.host.token();
    const streams = this.tracker.within(LIMITS.frame_bytes - START_BYTES);
    const params = token === undefined ? { streams } : { token, streams };
    this.request("session.start", params, OPEN_TIMEOUT_MS, begin).catch((error: unknown) => {
      if (generation !== this.generation) return;
      if (error instanceof CallError && error.type === "unauthenticated") this.signedOut("unauthenticated");
      else this.lost(error instanceof CallError && error.type === "rate_limited" ? CLOSE_CODES.rate_limited : 1006);
    });
  }

  private begin(session: SessionStarted): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
    const dropped: Stream[] = [];
    const cuts = cutsOf(session);
    for (const stream of Object.keys(this.tracker.all())) {
      if (cuts[stream]?.resumed === true) continue;
      this.tracker.drop(stream);
      dropped.push(stream);
    }
    for (const [stream, cut] of Object.entries(cuts)) {
      if (this.tracker.get(stream) === undefined) this.tracker.set(stream, cut);
    }
    this.heartbeatMs = session.heartbeat_ms > 0 ? session.heartbeat_ms : this.heartbeatMs;
    this.backoff.reset();
    this.drainDelayMs = null;
    this.draining = false;
    this.listener.started(session, dropped);
    this.setStatus({ kind: "online" });
    this.watch();
  }

  private receive(data: string): void {
    this.lastFrameAt = this.host.now();
    let frame: Frame | null = null;
    try {
      frame = JSON.parse(data) as Frame | null;
    } catch {
      // Not Parley's: as for what is JSON but no object.
    }
    if (frame === null || typeof frame !== "object") {
      this.lost(1006);
      return;
    }
    if (frame.method !== undefined) this.receiveEvent({ method: frame.method, params: frame.params } as AnyEvent);
    else if (frame.id !== undefined) this.receiveAnswer(frame.id, frame);
  }

  private receiveAnswer(id: number, frame: Frame): void {
    const entry = this.waiting.get(id);
    if (entry === undefined) return;
    this.waiting.delete(id);
    entry.cancel();
    if (frame.error === undefined) entry.resolve(frame.result);
    else entry.reject(new CallError(frame.error.data ?? { type: "internal" }, frame.error.message));
  }

  private receiveEvent(event: AnyEvent): void {
    if (event.method === "session.revoked") {
      this.signedOut("revoked");
      return;
    }
    if (event.method === "server.draining") this.drainDelayMs = event.params.reconnect_after_ms;
    if (!isLogged(event.params)) {
      this.listener.event(event);
      return;
    }
    const { stream, epoch, seq } = event.params;
    const queue = this.held.get(stream);
    if (queue !== undefined) {
      queue.push(event);
      return;
    }
    const verdict = this.tracker.accept(stream, epoch, seq);
    if (verdict === "apply") this.apply(event);
    else if (verdict === "gap") {
      this.held.set(stream, [event]);
      void this.fillGap(stream, this.generation);
    } else if (verdict === "epoch") {
      this.tracker.set(stream, { epoch, seq });
      this.listener.resync(stream);
    }
  }

  private apply(event: AnyEvent): void {
    if (event.method === "channel.joined") {
      const { id, epoch, seq } = event.params.channel;
      this.tracker.adopt(`c:${id}`, { epoch, seq });
    } else if (event.method === "channel.left") {
      this.tracker.drop(`c:${event.params.channel.id}`);
    }
    this.listener.event(event);
  }

  /** Fetches what is missing before the first held event, then lets the held ones through. */
  private async fillGap(stream: Stream, generation: number): Promise<void> {
    try {
      while (this.firstHeld(stream) > this.after(stream) + 1) {
        const from = this.tracker.get(stream);
        if (from === undefined) break;
        const page = await this.request(
          "stream.events",
          { stream, epoch: from.epoch, after: from.seq, limit: GAP_PAGE },
          REQUEST_TIMEOUT_MS,
        );
        if (generation !== this.generation) return;
        if (page.events.length === 0) throw new CallError({ type: "gone" }, "the gap cannot be filled");
        for (const event of page.events) {
          const params = event.params;
          if (!isLogged(params)) continue;
          if (this.tracker.accept(params.stream, params.epoch, params.seq) === "apply") this.apply(event);
        }
      }
    } catch (error) {
      if (generation !== this.generation) return;
      if (error instanceof CallError && error.type === "unavailable") {
        this.lost(1006);
        return;
      }
      this.giveUpGap(stream);
      return;
    }
    this.release(stream);
  }

  private firstHeld(stream: Stream): number {
    const params = this.held.get(stream)?.[0]?.params;
    return params !== undefined && isLogged(params) ? params.seq : 0;
  }

  private after(stream: Stream): number {
    return this.tracker.get(stream)?.seq ?? 0;
  }

  private release(stream: Stream): void {
    const events = this.held.get(stream) ?? [];
    this.held.delete(stream);
    for (const event of events) this.receiveEvent(event);
  }

  private giveUpGap(stream: Stream): void {
    const last = this.held.get(stream)?.at(-1)?.params;
    this.held.delete(stream);
    if (last !== undefined && isLogged(last)) this.tracker.set(stream, { epoch: last.epoch, seq: last.seq });
    this.listener.resync(stream);
  }

  /** The server's pings are invisible to a page, so a quiet connection is asked something cheap now and then. */
  private watch(): void {
    this.cancelWatch?.();
    this.cancelWatch = this.host.later(this.heartbeatMs, () => {
      if (this.host.now() - this.lastFrameAt >= this.heartbeatMs) this.probe();
      this.watch();
    });
  }

  private probe(): void {
    const generation = this.generation;
    this.request("server.info", {}, PROBE_TIMEOUT_MS).catch((error: unknown) => {
      const silent = error instanceof CallError && error.type === "unavailable";
      const quietFor = this.host.now() - this.lastFrameAt;
      if (generation === this.generation && silent && quietFor >= PROBE_TIMEOUT_MS) this.lost(1006);
    });
  }

  private lost(code: number): void {
    const openedBefore = this.opened;
    this.teardown();
    if (code === CLOSE_CODES.revoked || code === CLOSE_CODES.unauthenticated) {
      this.signedOut(code === CLOSE_CODES.revoked ? "revoked" : "unauthenticated");
      return;
    }
    const limited = code === CLOSE_CODES.rate_limited;
    if (this.drainDelayMs !== null || code === CLOSE_CODES.draining) this.draining = true;
    let delay = this.backoff.next();
    if (this.drainDelayMs !== null) delay = Math.max(delay, this.drainDelayMs);
    if (limited) delay = Math.max(delay, 5_000 + Math.round(this.host.random() * 5_000));
    if (code === CLOSE_CODES.slow_consumer) delay = Math.round(this.host.random() * 500);
    this.drainDelayMs = null;
    this.setStatus({
      kind: "waiting",
      attempt: this.backoff.count,
      until: this.host.now() + delay,
      why: this.draining ? "draining" : limited ? "limited" : "lost",
    });
    this.cancelTimer = this.host.later(delay, () => this.connect());
    if (!openedBefore) this.askWhyRefused();
  }

  private askWhyRefused(): void {
    this.neverOpened += 1;
    if (this.neverOpened % 2 !== 0) return;
    this.host.stillSignedIn().then(
      (signedIn) => {
        if (!signedIn && !this.online && this.current.kind !== "idle") this.signedOut("unauthenticated");
      },
      () => undefined,
    );
  }

  private signedOut(reason: SignOutReason): void {
    this.stop();
    this.listener.signedOut(reason);
  }

  private teardown(): void {
    this.generation += 1;
    this.cancelTimer?.();
    this.cancelTimer = null;
    this.cancelWatch?.();
    this.cancelWatch = null;
    this.held.clear();
    const socket = this.socket;
    this.socket = null;
    if (socket !== null) {
      socket.onopen = null;
      socket.onmessage = null;
      socket.onclose = null;
      socket.close();
    }
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const entry of waiting) {
      entry.cancel();
      entry.reject(CallError.lost());
    }
  }

  private setStatus(status: Status): void {
    this.current = status;
    this.listener.status(status);
  }
}

function isTooLarge(frame: string): boolean {
  return frame.length * 3 > LIMITS.frame_bytes && new TextEncoder().encode(frame).length > LIMITS.frame_bytes;
}

function isLogged(params: AnyEvent["params"]): params is AnyEvent["params"] & Logged {
  return "stream" in params && "seq" in params && "epoch" in params;
}
