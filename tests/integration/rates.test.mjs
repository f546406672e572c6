// How fast somebody may go on over HTTP, whatever connections are used: a session by its session, without one an address, who guesses
// secrets, and who follows events.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask } from "../lib/ask.mjs";
import { Events } from "../lib/events.mjs";
import { start } from "../lib/parleyd.mjs";
import { must } from "../lib/people.mjs";
import { eventually, metrics } from "../lib/process.mjs";

const PASSWORD = "correct horse battery";

/** A server, and an account that was made from elsewhere. */
async function scene(t, env) {
  const server = await start({ env });
  t.after(() => server.stop());
  const elsewhere = { from: "127.0.0.9" };
  const made = await ask(server.url, "/api/v1/auth.register", { ...elsewhere, body: { name: "ann", password: PASSWORD } });
  assert.equal(made.status, 200, JSON.stringify(made.body));
  return {
    url: server.url,
    token: made.body.token,
    ask: (path, options) => ask(server.url, path, options),
    login: async () => (await ask(server.url, "/api/v1/auth.login", { ...elsewhere, body: { name: "ann", password: PASSWORD } })).body.token,
    limited: async (by) => (await metrics(server.url))[`parley_rate_limited_total{by="${by}"}`],
  };
}

function isLimited({ status, headers, body }, detail) {
  assert.equal(status, 429, JSON.stringify(body));
  assert.match(headers["content-type"], /^application\/problem\+json/);
  assert.equal(body.type, "rate_limited");
  assert.match(body.detail, detail);
  assert.ok(body.retry_after_ms > 0, JSON.stringify(body));
  assert.equal(headers["retry-after"], String(Math.ceil(body.retry_after_ms / 1000)));
}

test("calls without a session are counted by address, over all of its connections", async (t) => {
  const { ask, token, limited } = await scene(t, { PARLEY_RATE_ADDRESS: "1", PARLEY_RATE_ADDRESS_BURST: "4" });
  const info = (options) => ask("/api/v1/server.info", options);
  const sent = [];
  const began = Date.now();
  // what anyone may call, and what lacks a token, alike
  for (let i = 0; i < 4; i++) sent.push((await (i % 2 ? ask("/api/v1/channel.list") : info())).status);
  const last = await info();
  if (Date.now() - began < 1000) {
    assert.deepEqual(sent, [200, 401, 200, 401]);
    isLimited(last, /without a session from your address/);
  }
  const refused = await eventually("a refusal", async () => {
    const answer = await ask("/api/v1/channel.list");
    return answer.status === 429 && answer;
  });
  isLimited(refused, /without a session from your address/);
  assert.ok((await limited("address")) >= 1);
  assert.equal((await info({ from: "127.0.0.2" })).status, 200, "another address");
  assert.equal((await ask("/api/v1/channel.list", { token })).status, 200, "who has a session");
  assert.equal((await ask("/healthz")).status, 200);
  await eventually("its turn again", async () => (await info()).status === 200);
});

test("tokens that are not good are counted by address; good ones are taken all the same", async (t) => {
  const { ask, token, limited } = await scene(t, { PARLEY_GUESSES_PER_ADDRESS: "3" });
  const list = (options) => ask("/api/v1/channel.list", options);
  for (const guess of ["x", "y".repeat(43), "parley"]) {
    const { status, body } = await list({ token: guess });
    assert.equal(status, 401);
    assert.equal(body.type, "unauthenticated");
  }
  const refused = await list({ token: "z" });
  isLimited(refused, /tokens that are not good/);
  assert.ok(refused.body.retry_after_ms > 600_000, "an hour has three");
  isLimited(await ask("/api/v1/message.send", { token: "z", body: { channel: "#general", text: "x" } }), /tokens/);
  assert.equal(await limited("guesses"), 2);
  assert.equal((await list({ token })).status, 200);
  assert.equal((await list({ token: "z", from: "127.0.0.2" })).status, 401);
  assert.equal((await list()).status, 401, "without a token nothing is guessed");
});

test("posts to webhooks that there are not are counted by address, and with the tokens; those that there are go on", async (t) => {
  const { ask, token, limited, url } = await scene(t, { PARLEY_GUESSES_PER_ADDRESS: "4" });
  const { channel } = await must(url, "channel.create", { name: "builds" }, token);
  const { hook, path } = await must(url, "hook.create", { kind: "incoming", channel: channel.id, name: "CI" }, token);
  const post = (to, options) => ask(to, { body: { text: "hello" }, ...options });
  const secret = path.split("/").at(-1);
  for (const to of [
    `/hooks/${hook.id}/${secret.replace(/./g, "A")}`, // a wrong secret
    `/hooks/01m89ybt2sem89k6zgh5byh488/${secret}`, // no such hook
    "/hooks/nothing", // no address of a webhook at all
  ]) {
    const { status, body } = await post(to);
    assert.equal(status, 404, to);
    assert.equal(body.type, "not_found");
  }
  assert.equal((await ask("/api/v1/channel.list", { token: "x" })).status, 401);
  isLimited(await post(`/hooks/${hook.id}/${"A".repeat(43)}`), /webhooks that there are not/);
  isLimited(await post("/hooks/nothing"), /webhooks that there are not/);
  isLimited(await ask("/api/v1/channel.list", { token: "x" }), /tokens/);
  assert.equal(await limited("guesses"), 3);
  assert.equal((await metrics(url))['parley_hook_posts_total{outcome="rate_limited"}'], 2);
  assert.deepEqual([(await post(path)).status, (await post(path)).body], [200, "ok"]);
  assert.equal((await post("/hooks/nothing", { from: "127.0.0.2" })).status, 404);
});

test("a webhook's own rate is counted, too", async (t) => {
  const { ask, token, limited, url } = await scene(t, { PARLEY_RATE_HOOK: "1", PARLEY_RATE_HOOK_BURST: "1" });
  const { channel } = await must(url, "channel.create", { name: "builds" }, token);
  const { path } = await must(url, "hook.create", { kind: "incoming", channel: channel.id, name: "CI" }, token);
  isLimited(
    await eventually("a refusal", async () => {
      const answer = await ask(path, { body: { text: "hello" } });
      return answer.status === 429 && answer;
    }),
    /used too often/,
  );
  assert.ok((await limited("webhook")) >= 1);
});

test("following events is a read of its session, however many connections it opens", async (t) => {
  const { ask, token, login, limited, url } = await scene(t, { PARLEY_RATE_READ: "1", PARLEY_RATE_READ_BURST: "3", PARLEY_GUESSES_PER_ADDRESS: "2" });
  const follow = (options) => ask("/api/v1/stream.follow", options);
  const open = [];
  const refused = await eventually("a refusal", async () => {
    const events = await Events.open(url, { token });
    if (events.status === 429) return events;
    assert.equal(events.status, 200);
    open.push(events);
  });
  assert.ok(open.length >= 3, `${open.length} were let through`);
  assert.match(refused.head, /^retry-after: [1-9]\d*$/im);
  const { body } = await eventually("one more", async () => {
    const answer = await ask("/api/v1/channel.list", { token }); // of the same session and class
    return answer.status === 429 && answer;
  });
  assert.match(body.detail, /of this session/);
  assert.ok((await limited("session")) >= 2);
  const other = await Events.open(url, { token: await login() });
  assert.equal(other.status, 200, "another session");
  for (const events of [...open, other, refused]) events.close();

  assert.deepEqual([(await follow({ token: "x" })).status, (await follow({ token: "x" })).status], [401, 401]);
  isLimited(await follow({ token: "x" }), /tokens that are not good/);
});

test("following events without a session is counted by address", async (t) => {
  const { ask, limited } = await scene(t, { PARLEY_RATE_ADDRESS: "1", PARLEY_RATE_ADDRESS_BURST: "2" });
  isLimited(
    await eventually("a refusal", async () => {
      const answer = await ask("/api/v1/stream.follow");
      if (answer.status === 429) return answer;
      assert.equal(answer.status, 401);
    }),
    /without a session from your address/,
  );
  assert.ok((await limited("address")) >= 1);
});

test("response URLs that nobody was given are calls without a session", async (t) => {
  const { ask } = await scene(t, { PARLEY_RATE_ADDRESS: "1", PARLEY_RATE_ADDRESS_BURST: "2" });
  isLimited(
    await eventually("a refusal", async () => {
      const answer = await ask("/hooks/r/guess", { body: { text: "x" } });
      if (answer.status === 429) return answer;
      assert.equal(answer.status, 404);
    }),
    /without a session from your address/,
  );
});
