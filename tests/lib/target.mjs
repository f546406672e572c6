// The target of webhooks and slash commands: an HTTP server on a free port of 127.0.0.1 that keeps what it is asked and answers as
// it is told.
//
//   const target = await startTarget();                     // or { tls: { cert, key } }
//   target.url("/path")
//   target.answer = ({ path, body, n }) => ({ status: 200, headers, body }) | "hang" | "endless" | a promise of one
//   await target.until("two of them", (requests) => requests.length >= 2);
//   target.requests                                          // { path, headers, body (text), json, at }
//   await target.stop();

import { createHmac, timingSafeEqual } from "node:crypto";
import http from "node:http";
import https from "node:https";
import { within } from "./parleyd.mjs";

const WAIT_MS = 60_000;

/** As docs/integrations.md has it: the secret, the request's headers, its body as it came. */
export function isSigned(secret, headers, body) {
  const expected = Buffer.from(`v1=${createHmac("sha256", secret).update(`${headers["parley-timestamp"]}.${body}`).digest("hex")}`);
  const given = Buffer.from(headers["parley-signature"] ?? "");
  return given.length === expected.length && timingSafeEqual(given, expected) && Math.abs(Date.now() / 1000 - headers["parley-timestamp"]) < 300;
}

export async function startTarget({ tls } = {}) {
  const watchers = new Set();
  const target = { requests: [], answer: () => ({ status: 200 }), sent: 0, endless: 0 };
  const look = () => watchers.forEach((watcher) => watcher());

  /** A gigabyte, as fast as it is taken. */
  function flood(response) {
    const piece = Buffer.alloc(65536, "x");
    let left = 16384;
    target.endless++;
    response.writeHead(200, { "Content-Type": "application/json", "Content-Length": left * piece.length });
    const more = () => {
      while (left-- > 0) {
        target.sent += piece.length;
        if (!response.write(piece)) return;
      }
      response.end();
    };
    response.on("drain", more).on("close", () => {
      target.endless--;
      look();
    });
    more();
  }

  async function serve(request, response) {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    const json = request.headers["content-type"]?.startsWith("application/json") ? JSON.parse(body) : undefined;
    const one = { path: request.url, headers: request.headers, body, json, at: Date.now() };
    target.requests.push(one);
    look();
    const answer = await target.answer({ ...one, n: target.requests.length });
    if (answer === "hang") return;
    if (answer === "endless") return flood(response);
    const { status = 200, headers = {}, body: text = "" } = answer;
    const isJson = typeof text !== "string";
    response.writeHead(status, { ...(isJson && { "Content-Type": "application/json" }), ...headers });
    response.end(isJson ? JSON.stringify(text) : text);
  }

  const onRequest = (request, response) => void serve(request, response).catch((error) => response.destroy(error));
  const server = tls ? https.createServer(tls, onRequest) : http.createServer(onRequest);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  target.port = server.address().port;
  target.url = (path = "/", host = "127.0.0.1") => `${tls ? "https" : "http"}://${host}:${target.port}${path}`;
  target.until = (what, found) => {
    let watcher;
    const there = new Promise((resolve) => {
      watcher = () => found(target.requests) && resolve();
      watchers.add(watcher);
      watcher();
    });
    return within(WAIT_MS, what, there).finally(() => watchers.delete(watcher));
  };
  target.stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return target;
}
