// TLS ended by parleyd itself: HTTPS, secure WebSocket, the cookie, and what is said about bad files.
// The certificate in tls/ is for 127.0.0.1; its key is public, so it is good for nothing else.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import WebSocket from "ws";

import { Events } from "../lib/events.mjs";
import { start, temporaryFolder, within } from "../lib/parleyd.mjs";

const file = (name) => fileURLToPath(new URL(`tls/${name}`, import.meta.url));
const ca = readFileSync(file("cert.pem"));
// libwebsockets 4.1.6 makes a TLS context for clients too in every worker's own context, and at the exit frees only the last of
// these: LeakSanitizer would tell of 16 kB.
const oneWorker = process.env.PARLEY_MODE === "asan" ? ["--workers", "1"] : [];
const withTls = (cert = file("cert.pem"), key = file("key.pem")) => [...oneWorker, "--tls-cert", cert, "--tls-key", key];

let server;
let owner;
let cookie;

before(async () => {
  server = await start({ args: withTls() });
  const { headers, body } = await ask("POST", "/api/v1/auth.register", {}, { name: "ann", password: "correct horse" });
  owner = JSON.parse(body);
  cookie = headers["set-cookie"][0];
});
after(async () => assert.equal((await server.stop()).code, 0));

/** One request over HTTPS, the certificate checked: { status, headers, body }. */
function ask(method, path, headers = {}, params) {
  const text = params && JSON.stringify(params);
  const type = text ? { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) } : {};
  const answer = new Promise((resolve, reject) => {
    const outgoing = request(`${server.url}${path}`, { method, ca, agent: false, headers: { ...type, ...headers } }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    outgoing.on("error", reject);
    outgoing.end(text);
  });
  return within(20_000, `${method} ${path}`, answer);
}

/** A WebSocket; gives { socket, next(found) }, or the status it was refused with. */
function open(headers) {
  const socket = new WebSocket(`${server.url.replace("https", "wss")}/ws`, { ca, headers });
  const seen = [];
  let wake = () => {};
  socket.on("message", (data) => {
    seen.push(JSON.parse(data));
    wake();
  });
  const next = (what, found) => {
    const wait = new Promise((resolve) => {
      wake = () => {
        const message = seen.find(found);
        if (message) resolve(message);
      };
      wake();
    });
    return within(20_000, what, wait);
  };
  const opened = new Promise((resolve, reject) => {
    socket.on("open", () => resolve({ socket, next }));
    socket.on("unexpected-response", (_, response) => {
      resolve(response.statusCode);
      socket.terminate();
    });
    socket.on("error", reject);
  });
  return within(20_000, "the WebSocket", opened);
}

test("the address that is printed is https, and answers", async () => {
  assert.match(server.url, /^https:\/\/127\.0\.0\.1:\d+$/);
  assert.equal((await ask("GET", "/healthz")).body, "ok\n");
});

test("the session cookie is Secure", () => {
  assert.match(cookie, /; Secure(;|$)/);
  assert.match(cookie, /HttpOnly/);
});

test("server-sent events come whole and in order, also long ones, and go on behind the last id", async () => {
  const headers = { Authorization: `Bearer ${owner.token}` };
  const call = async (command, params) => JSON.parse((await ask("POST", `/api/v1/${command}`, headers, params)).body);
  const { channel } = await call("channel.create", { name: "events" });
  const send = (text) => call("message.send", { channel: channel.id, text });
  const follow = (lastId) => Events.open(server.url, { token: owner.token, streams: [`c:${channel.id}`], lastId, ca });
  const texts = (events) => events.log().filter((e) => e.event === "message.created").map((e) => e.data.message.text);
  const lengths = [1, 2048, 4096, 16384];
  const events = await follow();
  for (const n of lengths) await send("x".repeat(n));
  await events.until("all of them", (e) => texts(e).length === lengths.length);
  assert.deepEqual(texts(events).map((text) => text.length), lengths);
  const { id } = events.log().at(-2);
  await events.close();
  await send("while away");
  const again = await follow(id);
  await again.until("what was missed", (e) => texts(e).length === 2);
  assert.deepEqual(texts(again), ["x".repeat(16384), "while away"]);
  await again.close();
});

test("messages of every length pass in both directions, whole and in order", async () => {
  const { socket, next } = await open({ Authorization: `Bearer ${owner.token}` });
  const send = (id, method, params) => socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
  send(1, "session.start", {});
  const started = await next("session.start", ({ id }) => id === 1);
  const channel = started.result.channels[0].id;
  const lengths = [1, 100, 2047, 2048, 2049, 4096, 8191, 16383, 16384];
  lengths.forEach((n, i) => send(10 + i, "message.send", { channel, text: String(n % 10).repeat(n) }));
  const seqs = [];
  for (const [i, n] of lengths.entries()) {
    const answer = await next(`the answer to ${n} bytes`, ({ id }) => id === 10 + i);
    assert.equal(answer.result?.message.text, String(n % 10).repeat(n), JSON.stringify(answer.error));
    const event = await next("its event", ({ method, params }) => method === "message.created" && params.message.id === answer.result.message.id);
    assert.equal(event.params.message.text.length, n);
    seqs.push(answer.result.message.seq);
  }
  assert.deepEqual(seqs, [...seqs].sort((a, b) => a - b));
  socket.close();
});

test("a page that came without TLS may not use the cookie", async () => {
  const pair = cookie.split(";")[0];
  const { socket } = await open({ Cookie: pair, Origin: server.url });
  socket.close();
  assert.equal(await open({ Cookie: pair, Origin: server.url.replace("https", "http") }), 403);
});

test("what is not TLS is hung up on, and the others notice nothing", async () => {
  const { hostname, port } = new URL(server.url);
  for (const bytes of ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\xff\xff".repeat(50), "\0".repeat(1000)]) {
    const socket = connect(Number(port), hostname);
    const ended = new Promise((resolve) => socket.on("close", resolve).on("error", () => {}).resume());
    socket.end(Buffer.from(bytes, "latin1"));
    await within(20_000, "the end of the connection", ended);
    assert.equal((await ask("GET", "/healthz")).status, 200);
  }
});

test("a certificate or key that cannot be used is named", async () => {
  const garbage = join(temporaryFolder(), "garbage.pem");
  writeFileSync(garbage, "not a certificate\n");
  for (const args of [withTls("/nonexistent/cert.pem"), withTls(garbage), withTls(undefined, garbage)])
    await assert.rejects(start({ args }), (error) => {
      assert.match(error.message, /"code":1/);
      assert.ok(args.some((word) => word.endsWith(".pem") && error.message.includes(word)), error.message);
      return true;
    });
});
