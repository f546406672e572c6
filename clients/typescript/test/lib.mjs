// What the tests against a real server share.

import { Parley } from "@parley/client";
import WebSocket from "ws";
import { start } from "../../../tests/lib/parleyd.mjs";
import { eventually } from "../../../tests/lib/process.mjs";

export { eventually };
export { login, must, people, register } from "../../../tests/lib/people.mjs";
export { call, start, temporaryFolder, within } from "../../../tests/lib/parleyd.mjs";

const open = new Set();

/** Ends every client that a test has left open: their timers would keep the process alive. */
export function closeAll() {
  for (const client of open) client.close();
  open.clear();
}

/** A client that remembers what it hears: `events` (with a seq), `dropped`, `statuses`, `resyncs`, `ended`, `throttled`. */
export function client(server, person, options = {}) {
  const parley = new Parley({ url: server.url, token: person?.token, WebSocket, ...options });
  const heard = { events: [], dropped: [], statuses: [], resyncs: [], ended: [], unstored: [] };
  open.add(parley);
  parley.listen({
    event: (event) => heard.events.push(event),
    started: (_, dropped) => heard.dropped.push(dropped),
    status: (status) => heard.statuses.push({ ...status, at: Date.now() }),
    resync: (stream) => heard.resyncs.push(stream),
    signedOut: (reason) => heard.ended.push(reason),
    unstored: (error) => heard.unstored.push(error),
  });
  return Object.assign(parley, { heard });
}

/** The same, with its first session. */
export async function connected(server, person, options) {
  const parley = client(server, person, options);
  await parley.start();
  return parley;
}

export function log(parley, channel) {
  return parley.heard.events.filter((e) => e.params.stream === `c:${channel}`);
}

export function texts(parley, channel) {
  return log(parley, channel).filter((e) => e.method === "message.created").map((e) => e.params.message.text);
}

/** A server on the port and the data of one that has ended. */
export function again(server, options = {}) {
  return start({ ...options, dataDir: server.dataDir, listen: new URL(server.url).host });
}

/** A WebSocket that is told what to do with each frame: `sent(frame)` and `received(frame)` say whether it passes. */
export function tampered({ sent = () => true, received = () => true }) {
  return class extends WebSocket {
    send(data, ...rest) {
      if (sent(JSON.parse(data), this)) super.send(data, ...rest);
    }

    set onmessage(handler) {
      super.onmessage = handler && ((event) => received(JSON.parse(event.data), this) && handler(event));
    }
  };
}
