// A TCP connection with nothing in between: HTTP by hand, WebSocket frames that are as wrong as wanted (RFC 6455 section 5.2).

import { randomBytes } from "node:crypto";
import { connect as tcp } from "node:net";
import { connect as tls } from "node:tls";

const WAIT_MS = 30_000;

export const OP = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

/** One frame. LENGTH lies about the payload's size; MASK false leaves the mask out. */
export function frame(op, payload = "", { fin = true, rsv = 0, mask = true, length } = {}) {
  const body = Buffer.from(payload);
  const n = length ?? body.length;
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | op];
  const bit = mask ? 0x80 : 0;
  if (n < 126) head.push(bit | n);
  else if (n < 65536) head.push(bit | 126, n >> 8, n & 255);
  else {
    const size = Buffer.alloc(8);
    size.writeBigUInt64BE(BigInt(n));
    head.push(bit | 127, ...size);
  }
  if (!mask) return Buffer.concat([Buffer.from(head), body]);
  const key = randomBytes(4);
  return Buffer.concat([Buffer.from(head), key, body.map((byte, i) => byte ^ key[i & 3])]);
}

export class Raw {
  /** FROM is the address to come from, such as 127.0.0.66. CA is the certificate that an https server has to prove. */
  constructor(url, { from, ca } = {}) {
    const { protocol, hostname, port } = new URL(url);
    this.host = `${hostname}:${port}`;
    this.data = Buffer.alloc(0);
    this.frames = []; // { op, payload } after upgrade()
    this.gone = false;
    this.watchers = new Set();
    const to = { host: hostname, port: Number(port), localAddress: from };
    this.socket = protocol === "https:" ? tls({ ...to, ca }) : tcp(to);
    this.socket.setNoDelay(true);
    this.connected = new Promise((resolve) => {
      this.socket.once("connect", () => resolve(true));
      this.socket.once("close", () => resolve(false));
    });
    this.socket.on("data", (chunk) => {
      this.data = Buffer.concat([this.data, chunk]);
      if (this.upgraded) this.#parse();
      this.#look();
    });
    this.socket.on("error", () => {});
    this.ended = new Promise((resolve) => {
      this.socket.on("close", () => {
        this.gone = true;
        this.#look();
        resolve();
      });
    });
  }

  write(bytes) {
    if (!this.gone) this.socket.write(bytes);
  }

  until(what, condition, ms = WAIT_MS) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => finish(reject, new Error(`${what}: not within ${ms} ms; got ${this}`)), ms);
      const finish = (how, value) => {
        clearTimeout(timer);
        this.watchers.delete(look);
        how(value);
      };
      const look = () => {
        const value = condition(this);
        if (value) finish(resolve, value);
      };
      this.watchers.add(look);
      look();
    });
  }

  /** The end of the connection, with the code of its close frame if there was one; that is answered, as is proper. */
  async end(ms) {
    await this.until("the end of the connection", () => this.gone || this.frames.some((f) => f.op === OP.close), ms);
    this.write(frame(OP.close));
    await this.until("the end of the connection", () => this.gone, ms);
    return this.closeCode;
  }

  get closeCode() {
    const close = this.frames.find((f) => f.op === OP.close);
    return close && close.payload.length >= 2 ? close.payload.readUInt16BE() : undefined;
  }

  get status() {
    return Number(/^HTTP\/1\.1 (\d+)/.exec(this.data.toString("latin1"))?.[1] ?? 0);
  }

  /** Becomes a WebSocket. */
  async upgrade(headers = "") {
    const key = randomBytes(16).toString("base64");
    this.write(
      `GET /ws HTTP/1.1\r\nHost: ${this.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n${headers}\r\n`,
    );
    await this.until("the upgrade", () => this.gone || this.data.includes("\r\n\r\n"));
    if (this.status !== 101) throw new Error(`the upgrade was answered with ${this}`);
    this.data = this.data.subarray(this.data.indexOf("\r\n\r\n") + 4);
    this.upgraded = true;
    this.#parse();
    return this;
  }

  text(object) {
    this.write(frame(OP.text, typeof object === "string" ? object : JSON.stringify(object)));
  }

  /** The JSON of the answers and events that have come. */
  get messages() {
    return this.frames.filter((f) => f.op === OP.text).map((f) => JSON.parse(f.payload));
  }

  answer(id) {
    return this.until(`the answer to ${id}`, () => this.messages.find((m) => m.id === id));
  }

  destroy() {
    this.socket.destroy();
  }

  toString() {
    return this.upgraded
      ? JSON.stringify(this.frames.slice(-3).map((f) => ({ op: f.op, payload: f.payload.toString("latin1").slice(0, 200) })))
      : JSON.stringify(this.data.toString("latin1").slice(0, 200));
  }

  #parse() {
    for (;;) {
      const d = this.data;
      if (d.length < 2) return;
      let at = 2;
      let n = d[1] & 127;
      if (n === 126) {
        if (d.length < 4) return;
        n = d.readUInt16BE(2);
        at = 4;
      } else if (n === 127) {
        if (d.length < 10) return;
        n = Number(d.readBigUInt64BE(2));
        at = 10;
      }
      if (d.length < at + n) return;
      this.frames.push({ op: d[0] & 15, payload: Buffer.from(d.subarray(at, at + n)) });
      this.data = d.subarray(at + n);
    }
  }

  #look() {
    for (const watcher of [...this.watchers]) watcher();
  }
}

/** A WebSocket whose session has been started. */
export async function rawSession(url, token, options) {
  const raw = new Raw(url, options);
  await raw.upgrade();
  raw.text({ jsonrpc: "2.0", id: "start", method: "session.start", params: { token } });
  await raw.answer("start");
  return raw;
}
