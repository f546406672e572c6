// Server-sent events as they come over the wire, without the manners of a browser's EventSource.
//
//   const ann = await Events.open(server.url, { token, streams, lastId });
//   ann.status; ann.blocks                       // [{ id, event, data, retry, comment }]
//   await ann.until("the message", (e) => ...);  // looks again whenever something arrives
//   await ann.ended;

import { Raw } from "./raw.mjs";

export class Events {
  static async open(url, options = {}) {
    const events = new Events(url, options);
    await events.until("the head", (e) => e.status > 0 || e.raw.gone);
    return events;
  }

  constructor(url, { token, streams, lastId, headers = {}, query = {}, from, ca } = {}) {
    this.blocks = [];
    this.status = 0;
    this.raw = new Raw(url, { from, ca });
    this.rest = "";
    const asked = new URLSearchParams({ ...(streams && { streams: streams.join(",") }), ...query });
    const lines = Object.entries({
      Host: "x",
      Accept: "text/event-stream",
      ...(token && { Authorization: `Bearer ${token}` }),
      ...(lastId && { "Last-Event-ID": lastId }),
      ...headers,
    });
    this.raw.write(`GET /api/v1/stream.follow?${asked} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`);
    this.ended = this.raw.ended;
  }

  /** The events, without comments. */
  get events() {
    return this.blocks.filter((block) => block.event);
  }

  get lastId() {
    return this.events.at(-1)?.id;
  }

  /** The numbered events of a stream, or of all, as they came. */
  log(stream) {
    return this.events.filter((e) => e.data.seq !== undefined && e.event !== "session.started" && (!stream || e.data.stream === stream));
  }

  until(what, condition, ms) {
    return this.raw.until(what, () => {
      this.#parse();
      return condition(this);
    }, ms);
  }

  event(name, match = () => true) {
    return this.until(name, (e) => e.events.find((event) => event.event === name && match(event.data)));
  }

  /** Gone without a word. */
  close() {
    this.raw.destroy();
    return this.ended;
  }

  #parse() {
    if (!this.status) {
      const end = this.raw.data.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.head = this.raw.data.subarray(0, end).toString();
      this.status = Number(this.head.split(" ")[1]);
      this.raw.data = this.raw.data.subarray(end + 4);
      this.body = this.status === 200 ? undefined : this.raw.data;
    }
    if (this.status !== 200) {
      this.body = this.raw.data.toString();
      return;
    }
    for (;;) {
      const end = this.raw.data.indexOf("\n\n");
      if (end < 0) return;
      const block = {};
      for (const line of this.raw.data.subarray(0, end).toString().split("\n")) {
        const colon = line.indexOf(":");
        const name = colon === 0 ? "comment" : line.slice(0, colon);
        block[name] = line.slice(colon + 1).replace(/^ /, "");
      }
      if (block.data) block.data = JSON.parse(block.data);
      this.blocks.push(block);
      this.raw.data = this.raw.data.subarray(end + 2);
    }
  }
}
