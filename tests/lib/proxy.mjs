// A TCP proxy between a parleyd and its Redis or MongoDB, which does to the connections what networks do.
//
//   const proxy = await startProxy(redis.port);
//   proxy.through(redis.uri);            // the URI with the proxy's address in it
//   proxy.delay(300);                    // every chunk arrives 300 ms later, in both directions
//   proxy.cut();                         // connections are reset, new ones refused at once
//   proxy.halfOpen();                    // connections stay, new ones are accepted, and nothing comes through
//   proxy.pass();                        // as if nothing were; what was held back by halfOpen() is lost with its connection
//   proxy.reset();                       // every connection there is, now
//   proxy.reset("request");              // every connection, when its next request is half through
//   proxy.reset("answer");               // every connection, when its next request has arrived whole, before the answer is back
//   await proxy.close();

import { once } from "node:events";
import { createConnection, createServer } from "node:net";

class Link {
  constructor(proxy, client) {
    this.proxy = proxy;
    this.client = client;
    this.server = createConnection({ host: "127.0.0.1", port: proxy.target, noDelay: true, allowHalfOpen: true });
    this.queue = []; // { due, act }: what is to happen, in this order
    this.trap = null; // "request" | "answer": where to reset
    this.asked = false; // a request came since the trap was set
    this.stale = false; // something was swallowed: it can only end
    for (const [from, to] of [[this.client, this.server], [this.server, this.client]]) {
      from.on("data", (data) => this.#take(() => this.#deliver(data, from, to)));
      from.on("end", () => this.#take(() => to.end()));
      from.on("error", () => this.reset());
      from.on("close", () => proxy.links.delete(this));
    }
  }

  // One queue for both directions: a change of the delay turns nothing around.
  #take(act) {
    if (this.proxy.mode === "half-open") {
      this.stale = true;
      return;
    }
    this.queue.push({ due: performance.now() + this.proxy.latency, act });
    this.#drain();
  }

  #drain() {
    while (this.queue.length > 0 && !this.timer) {
      const wait = this.queue[0].due - performance.now();
      if (wait <= 0) this.queue.shift().act();
      else this.timer = setTimeout(() => ((this.timer = null), this.#drain()), Math.ceil(wait));
    }
  }

  #deliver(data, from, to) {
    if (this.gone) return;
    const request = from === this.client;
    if (this.trap === "request" && request) {
      to.write(data.subarray(0, Math.ceil(data.length / 2)), () => this.reset());
      this.queue.length = 0;
    } else if (this.trap === "answer" && !request && this.asked) {
      this.reset();
    } else {
      if (request) this.asked = true;
      if (to.write(data)) return;
      from.pause();
      to.once("drain", () => from.resume());
    }
  }

  set(trap) {
    this.trap = trap;
    this.asked = false;
  }

  reset() {
    if (this.gone) return;
    this.gone = true;
    this.queue.length = 0;
    clearTimeout(this.timer);
    this.proxy.resets++;
    for (const socket of [this.client, this.server]) {
      // One whose end is being written cannot be reset: node would leave it open for ever.
      if (socket.connecting || socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
    this.proxy.links.delete(this);
  }
}

class Proxy {
  constructor(target) {
    this.target = target;
    this.mode = "pass";
    this.latency = 0;
    this.links = new Set();
    this.accepted = this.resets = 0; // so far
    this.server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => this.accept(client));
  }

  get port() {
    return this.server.address().port;
  }

  through(uri) {
    return uri.replace(/(?<before>\/\/(?:[^/@]*@)?)[^/?]+/, `$<before>127.0.0.1:${this.port}`);
  }

  accept(client) {
    this.accepted++;
    if (this.mode === "cut") {
      client.on("error", () => {});
      client.resetAndDestroy();
    } else {
      this.links.add(new Link(this, client));
    }
  }

  pass() {
    this.mode = "pass";
    this.latency = 0;
    for (const link of this.links) {
      link.set(null);
      if (link.stale) link.reset();
    }
  }

  delay(ms) {
    this.latency = ms;
  }

  cut() {
    this.mode = "cut";
    this.reset();
  }

  halfOpen() {
    this.mode = "half-open";
  }

  reset(trap) {
    for (const link of [...this.links]) {
      if (trap) link.set(trap);
      else link.reset();
    }
  }

  async close() {
    this.reset();
    this.server.close();
    await once(this.server, "close");
  }
}

/** TARGET: the port on 127.0.0.1 of what is behind it. */
export async function startProxy(target) {
  const proxy = new Proxy(target);
  proxy.server.listen(0, "127.0.0.1");
  await once(proxy.server, "listening");
  return proxy;
}
