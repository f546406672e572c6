// One WebSocket of a chat client: requests with answers, events in the order of their arrival, conditions to wait for.
//
//   const ann = await Client.open(server.url, { token, streams });   // connects and sends session.start
//   ann.started                                                     // its answer
//   await ann.request("message.send", { channel, text });           // the result, or a CommandError is thrown
//   await ann.until("the message", (c) => c.events.some(...));      // looks again whenever something arrives
//   ann.frames                                                      // all of it: { method, params } | { id, result | error }
//
// Nothing is hidden or repaired here: what the server sends is what the test sees. What does not fit the server's own
// description ends the test.

import WebSocket from "ws";
import { schema } from "./schema.mjs";

const WAIT_MS = 30_000;

/** The error a command was answered with; `type` is its name in the protocol. */
export class CommandError extends Error {
  constructor(method, error) {
    super(`${method}: ${error.data?.type ?? error.code}: ${error.message} ${JSON.stringify(error.data ?? {})}`);
    this.code = error.code;
    this.type = error.data?.type;
    this.data = error.data ?? {};
  }
}

/** The connection went before the answer came: nobody knows whether the command was carried out. */
export class ConnectionLost extends Error {
  constructor(method, why) {
    super(`${method}: the connection was lost before the answer (${why})`);
  }
}

export class Client {
  /**
   * @param ca the certificate to trust, for https
   * @param onFrame is called with each frame before anything else is done with it
   */
  constructor(url, { headers = {}, ca, onFrame = () => {}, keep = true } = {}) {
    this.frames = [];
    this.closed = null; // { code, reason } in the end
    this.keep = keep;
    this.onFrame = onFrame;
    this.pending = new Map();
    this.watchers = new Set();
    this.lastId = 0;
    this.socket = new WebSocket(`${url.replace(/^http/, "ws")}/ws`, { headers, ca, perMessageDeflate: false });
    this.opened = new Promise((resolve, reject) => {
      this.socket.on("open", resolve);
      this.socket.on("error", reject);
    });
    this.opened.catch(() => {}); // whoever waits for it gets to know
    this.ended = new Promise((resolve) => {
      this.socket.on("close", (code, reason) => {
        this.closed = { code, reason: String(reason) };
        for (const { method, reject } of this.pending.values()) reject(new ConnectionLost(method, code));
        this.pending.clear();
        this.#look();
        resolve(this.closed);
      });
    });
    this.socket.on("message", (data, binary) => this.#receive(data, binary));
  }

  static async open(url, { token, streams, ...options } = {}) {
    const client = new Client(url, options);
    await client.opened;
    client.started = await client.start({ ...(token && { token }), ...(streams && { streams }) });
    return client;
  }

  start(params) {
    return this.request("session.start", params);
  }

  get events() {
    return this.frames.filter((frame) => frame.method !== undefined);
  }

  /** The numbered events of a stream, or of all of them, as they came. */
  log(stream) {
    return this.events
      .filter((e) => e.params.seq !== undefined && (stream === undefined || e.params.stream === stream));
  }

  request(method, params = {}) {
    const id = ++this.lastId;
    if (this.closed || this.socket.readyState > WebSocket.OPEN) {
      return Promise.reject(new ConnectionLost(method, "already closed"));
    }
    return new Promise((resolve, reject) => {
      this.pending.set(id, { method, resolve, reject });
      this.socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }), () => {});
    });
  }

  /** What CONDITION(this) gives once it is true; it is asked again whenever a frame or the close arrives. */
  until(what, condition, ms = WAIT_MS) {
    const now = condition(this);
    if (now) return Promise.resolve(now);
    return new Promise((resolve, reject) => {
      const watcher = () => {
        let value;
        try {
          value = condition(this);
        } catch (error) {
          done();
          return reject(error);
        }
        if (!value) return undefined;
        done();
        return resolve(value);
      };
      const timer = setTimeout(() => {
        done();
        const last = this.frames.slice(-3).map((f) => JSON.stringify(f).slice(0, 200)).join("\n  ");
        reject(new Error(`${what}: not within ${ms} ms; closed: ${JSON.stringify(this.closed)}; last frames:\n  ${last}`));
      }, ms);
      const done = () => {
        clearTimeout(timer);
        this.watchers.delete(watcher);
      };
      this.watchers.add(watcher);
    });
  }

  /** The first event of that method (and stream, and whatever else MATCH asks for). */
  event(method, match = () => true, ms = WAIT_MS) {
    return this.until(method, (c) => c.events.find((e) => e.method === method && match(e.params)), ms);
  }

  /** Stop and go on reading: the TCP window closes. */
  pause() {
    this.socket.pause();
  }

  resume() {
    this.socket.resume();
  }

  /** A close with its handshake. */
  close() {
    this.socket.close();
    return this.ended;
  }

  /** An end without a word, as of a machine that loses power: the socket is just gone. */
  vanish() {
    this.socket.terminate();
    return this.ended;
  }

  #receive(data, binary) {
    const frame = binary ? { binary: data.length } : JSON.parse(data);
    if (this.keep) this.frames.push(frame);
    this.onFrame(frame);
    const waiting = frame.id === undefined ? undefined : this.pending.get(frame.id);
    const wrong = binary || (frame.method === undefined && !waiting) ? [] : schema().frame(frame, waiting?.method);
    if (wrong.length > 0) return this.#misfit(new Error(`not as described: ${wrong.join("; ")}`), waiting);
    if (waiting) {
      this.pending.delete(frame.id);
      if (frame.error) waiting.reject(new CommandError(waiting.method, frame.error));
      else waiting.resolve(frame.result);
    }
    return this.#look();
  }

  /** Whoever waits gets to know; an event has nobody, so it ends the whole test. */
  #misfit(error, waiting) {
    if (!waiting) throw error;
    waiting.reject(error);
  }

  #look() {
    for (const watcher of [...this.watchers]) watcher();
  }
}
