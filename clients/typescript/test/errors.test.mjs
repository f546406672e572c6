// What goes wrong is a CallError with a type of the protocol's, over the connection and over HTTP alike.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CallError } from "@parley/client";
import { describe as description } from "../../../tests/lib/protocol-page.mjs";
import { client, closeAll, connected, must, people, start } from "./lib.mjs";

let server;
let ann;
let bob;
let anns;
let bobs;
const met = new Set();

before(async () => {
  server = await start({ env: { PARLEY_RATE_LIMITS: "off" } });
  ({ ann, bob } = await people(server.url, "ann", "bob"));
  anns = await connected(server, ann);
  bobs = await connected(server, bob);
});
after(async () => {
  closeAll();
  await server.stop();
});

/** The error that the promise is rejected with, which is of that type. */
async function fails(type, promise) {
  const error = await promise.then(
    () => assert.fail(`${type} was expected`),
    (e) => e,
  );
  assert.ok(error instanceof CallError, String(error));
  assert.equal(error.type, type, error.message);
  assert.equal(error.data.type, type);
  assert.ok(error.message.length > 0);
  met.add(type);
  return error;
}

/** The same over both ways. */
async function both(type, who, command, params) {
  const errors = [await fails(type, who.call(command, params)), await fails(type, who.http(command, params))];
  for (const error of errors) assert.equal(error.disconnected, false);
  return errors;
}

test("what the caller did wrong says which parameter, and why", async () => {
  const { channel } = await must(server.url, "channel.create", { name: "plans" }, ann.token);
  for (const { data } of await both("invalid_params", anns, "message.send", { channel: channel.id, text: "" })) {
    assert.equal(data.field, "text");
    assert.match(data.reason, /1 to 16384 bytes/);
  }
  await both("unknown_command", anns, "channel.explode", {});
  await both("conflict", anns, "channel.create", { name: "plans" });
  await both("forbidden", bobs, "admin.stats", {});
  await both("not_found", bobs, "channel.get", { channel: "nowhere" });
  await both("gone", anns, "stream.events", { stream: `c:${channel.id}`, epoch: "another", after: 0 });
  await both("too_large", anns, "message.send", { channel: channel.id, text: "x".repeat(70_000) });
  assert.equal(anns.online, true, "and the connection stays");
  await fails("unauthenticated", client(server, { token: "nonsense" }).http("channel.list"));
  await fails("unauthenticated", client(server, { token: "nonsense" }).start());
  await fails("unauthenticated", client(server).http("auth.login", { name: "ann", password: "not this one" }));
});

test("a request that is none is told so", async () => {
  const broken = (body) => client(server, ann, { fetch: (url, init) => fetch(url, { ...init, body }) });
  await fails("parse_error", broken("{").http("channel.list"));
  await fails("invalid_request", broken("[]").http("channel.list"));
});

test("a rate limit says how long to wait", async (t) => {
  const slow = await start({ env: { PARLEY_RATE_READ: "1", PARLEY_RATE_READ_BURST: "1" } });
  t.after(() => slow.stop());
  const { ann: owner } = await people(slow.url, "ann");
  const parley = await connected(slow, owner);
  for (const ask of [() => parley.call("channel.list"), () => parley.http("channel.list")]) {
    // One after the other: the limit is a connection's, and calls at once over HTTP are on several.
    let refused;
    for (let i = 0; i < 50 && !refused; i++) refused = await ask().then(() => null, (error) => error);
    const { data } = await fails("rate_limited", refused ? Promise.reject(refused) : Promise.resolve());
    assert.ok(data.retry_after_ms > 0 && data.retry_after_ms <= 4_000, JSON.stringify(data));
  }
  parley.close();
  const closed = await fails("unavailable", parley.call("channel.list"));
  assert.equal(closed.disconnected, true);
  await slow.stop();
  const away = await fails("unavailable", parley.http("server.info"));
  assert.equal(away.disconnected, true);
});

test("what a proxy answers in the server's place is an error, too", async () => {
  const answers = (status, body) => client(server, ann, { fetch: () => Promise.resolve(new Response(body, { status })) });
  await fails("unavailable", answers(502, "<h1>Bad Gateway</h1>").http("server.info"));
  await fails("internal", answers(200, "<h1>Welcome to the hotel's network</h1>").http("server.info"));
  const { data } = await fails("internal", answers(500, '{"type":"internal","title":"The server failed","id":"e7"}').http("server.info"));
  assert.equal(data.id, "e7");
});

test("every type of the protocol was met", () => {
  const all = description().errors.map(({ type }) => type);
  assert.deepEqual(all.filter((type) => !met.has(type)), []);
});
