// Engine.IO by hand: requests of the long-polling transport, and a WebSocket whose packets can be waited for.

import WebSocket from "ws";

import { within } from "./parleyd.mjs";

const WAIT_MS = 30_000;

/** fetch() of PATH with ?EIO=4&transport=polling; gives { status, headers, text }. */
export async function poll(url, { path = "/engine.io/", sid, query = {}, ...init } = {}) {
  const params = new URLSearchParams({ EIO: "4", transport: "polling", ...(sid && { sid }), ...query });
  for (const [name, value] of [...params]) if (value === "") params.delete(name);
  const response = await fetch(`${url}${path}?${params}`, { redirect: "error", ...init });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

export const post = (url, sid, body, options = {}) => poll(url, { sid, method: "POST", body, ...options });

/** The code of a refusal, with its status. */
export const refusal = ({ status, text }) => ({ status, code: JSON.parse(text).code });

/** A session by long-polling: its handshake. */
export async function open(url, path) {
  const { status, text } = await poll(url, { path });
  if (status !== 200 || text[0] !== "0") throw new Error(`handshake: ${status} ${text}`);
  return JSON.parse(text.slice(1));
}

export class Socket {
  constructor(url, { path = "/engine.io/", sid, query = {}, headers = {} } = {}) {
    const params = new URLSearchParams({ EIO: "4", transport: "websocket", ...(sid && { sid }), ...query });
    for (const [name, value] of [...params]) if (value === "") params.delete(name);
    this.packets = [];
    this.waiting = [];
    this.ws = new WebSocket(`${url.replace(/^http/, "ws")}${path}?${params}`, { headers, perMessageDeflate: false });
    // the status of the answer; 0: there was none
    this.status = new Promise((resolve) => {
      this.ws.on("close", () => resolve(0));
      this.ws.on("open", () => resolve(101));
      this.ws.on("unexpected-response", (_, response) => {
        response.resume();
        resolve(response.statusCode);
        this.ws.terminate();
      });
    });
    this.ws.on("error", () => {});
    this.closed = new Promise((resolve) => this.ws.on("close", (code) => resolve(code)));
    this.ws.on("message", (data, binary) => {
      const packet = binary ? Buffer.from(data) : String(data);
      if (this.waiting.length > 0) this.waiting.shift()(packet);
      else this.packets.push(packet);
    });
  }

  send(packet) {
    this.ws.send(packet);
  }

  /** The next packet; an error if the connection closes before there is one. */
  next() {
    if (this.packets.length > 0) return Promise.resolve(this.packets.shift());
    const closed = this.closed.then((code) => Promise.reject(new Error(`closed with ${code} before the next packet`)));
    return within(WAIT_MS, "a packet", Promise.race([new Promise((resolve) => this.waiting.push(resolve)), closed]));
  }

  /** The code with which it closes. */
  end() {
    return within(WAIT_MS, "the end of the connection", this.closed);
  }

  close() {
    this.ws.close();
  }
}
