// Outgoing webhooks against a target of our own: signed, in order, at least once, again and again until they are dead letters; and
// targets that are slow, hostile or where none may be.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Client } from "../lib/client.mjs";
import { call, start, temporaryFolder } from "../lib/parleyd.mjs";
import { must, people } from "../lib/people.mjs";
import { eventually, metrics, rssMiB } from "../lib/process.mjs";
import { isSigned, startTarget } from "../lib/target.mjs";

const tlsFile = (name) => fileURLToPath(new URL(`tls/${name}`, import.meta.url));
const ENV = {
  PARLEY_RATE_LIMITS: "off",
  PARLEY_OUTBOUND_ALLOW: "127.0.0.1",
  PARLEY_HOOK_ATTEMPTS: "3",
  PARLEY_HOOK_RETRY_MS: "40",
};

/** A server with an account, ann's, that goes on after a restart: { url, server, ann, restart(), end() }. */
async function newHost(env = {}) {
  const dataDir = temporaryFolder();
  const begin = () => start({ env: { ...ENV, ...env }, dataDir });
  const host = { server: await begin() };
  Object.defineProperty(host, "url", { get: () => host.server.url });
  host.restart = async () => (host.server = await begin());
  host.end = () => host.server.stop();
  host.ann = (await people(host.url, "owner", "ann")).ann;
  return host;
}

let shared; // by the tests that do not need one of their own
const targets = [];
before(async () => {
  shared = await newHost();
});
after(async () => {
  await shared?.end();
  for (const target of targets) await target.stop();
});

async function newTarget(options) {
  const target = await startTarget(options);
  targets.push(target);
  return target;
}

let serial = 0;

/** A channel of ann's with an outgoing webhook. */
async function scene({ host = shared, target, path = "/hook", ...settings } = {}) {
  const to = target ?? (await newTarget());
  const ask = (command, params) => must(host.url, command, params, host.ann.token);
  const { channel } = await ask("channel.create", { name: `out-${++serial}` });
  const { hook, secret } = await ask("hook.create", { kind: "outgoing", channel: channel.id, name: "told", url: to.url(path), ...settings });
  return {
    ask,
    channel,
    hook,
    secret,
    target: to,
    send: async (text) => (await ask("message.send", { channel: channel.id, text })).message,
    reload: async () => (await ask("hook.list", { channel: channel.id })).hooks.find((one) => one.id === hook.id),
    failures: async () => (await ask("hook.failures", { hook: hook.id })).failures,
  };
}

const texts = (requests) => requests.map((r) => r.json.event.params.message?.text);
const seqs = (requests) => requests.map((r) => r.json.event.params.seq);
/** Each once, where it came first. */
const firsts = (list) => [...new Set(list)];
const dead = (s, n = 1) => eventually(`${n} dead letters`, async () => (await s.failures()).length >= n);

describe("deliveries", () => {
  test("an event goes out as it comes over the WebSocket, signed, with an id of its own", async () => {
    const s = await scene();
    const client = await Client.open(shared.url, { token: shared.ann.token });
    const message = await s.send("hello");
    await s.target.until("the delivery", (r) => r.length >= 1);
    const [{ path, headers, body, json }] = s.target.requests;
    const stream = `c:${s.channel.id}`;
    await client.until("the event", (c) => c.log(stream).some((e) => e.params.message?.id === message.id));
    const { jsonrpc, ...event } = client.log(stream).find((e) => e.params.message?.id === message.id);
    assert.equal(jsonrpc, "2.0");
    assert.equal(path, "/hook");
    assert.deepEqual(json.event, event);
    assert.equal(json.hook, s.hook.id);
    assert.equal(json.attempt, 1);
    assert.equal(json.delivery, `${s.hook.id}:${stream}:${event.params.epoch}:${event.params.seq}`);
    assert.equal(headers["parley-delivery"], json.delivery);
    assert.equal(headers["parley-hook"], s.hook.id);
    assert.equal(headers["parley-event"], "message.created");
    assert.equal(headers["content-type"], "application/json");
    assert.match(headers["user-agent"], /^Parley\//);
    assert.ok(isSigned(s.secret, headers, body));
    assert.ok(!isSigned("another", headers, body));
    assert.ok(!isSigned(s.secret, headers, `${body} `));
    await eventually("the position", async () => (await s.reload()).position === event.params.seq);
    assert.ok((await s.reload()).used_at);
    await client.vanish();
  });

  test("the documentation's code tells a delivery from a forgery", async () => {
    const page = readFileSync(new URL("../../docs/integrations.md", import.meta.url), "utf8");
    const block = (language) => new RegExp(`\\n\`\`\`${language}\\n(.*?)\\n\`\`\``, "s").exec(page)[1];
    const { verify } = await import(`data:text/javascript,${encodeURIComponent(block("js"))}`);
    const s = await scene();
    await s.send("caf\u00e9");
    await s.target.until("the delivery", (r) => r.length >= 1);
    const [{ headers, body }] = s.target.requests;
    const now = Number(headers["parley-timestamp"]);
    const names = { "Parley-Timestamp": headers["parley-timestamp"], "Parley-Signature": headers["parley-signature"] };
    const python = (...args) => {
      const program = `${block("python")}\nimport json, sys\nsecret, headers, body, now = json.load(sys.stdin)\nprint(verify(secret, headers, body.encode(), now))`;
      return execFileSync("python3", ["-c", program], { input: JSON.stringify(args), encoding: "utf8" }).trim() === "True";
    };
    for (const [check, given] of [[verify, headers], [python, names]]) {
      assert.equal(check(s.secret, given, body, now + 299), true);
      assert.equal(check(s.secret, given, body, now + 301), false);
      assert.equal(check(s.secret, given, `${body} `, now), false);
      assert.equal(check("another", given, body, now), false);
      assert.equal(check(s.secret, {}, body, now), false);
    }
  });

  test("after a new secret only that one signs", async () => {
    const s = await scene();
    const { secret } = await s.ask("hook.rotate", { hook: s.hook.id });
    await eventually("a delivery signed with it", async () => {
      await s.send("rotated");
      return s.target.requests.some((r) => isSigned(secret, r.headers, r.body));
    });
    const { headers, body } = s.target.requests.at(-1);
    assert.ok(!isSigned(s.secret, headers, body));
  });

  test("they come one at a time, in order, each once", async () => {
    const s = await scene();
    let open = 0;
    let most = 0;
    s.target.answer = async () => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setImmediate(resolve));
      open--;
      return { status: 204 };
    };
    const sent = [];
    for (let i = 0; i < 130; i++) sent.push((await s.send(`m${i}`)).text);
    await s.target.until("all of them", (r) => r.length >= sent.length);
    assert.deepEqual(texts(s.target.requests), sent);
    assert.equal(most, 1);
  });

  test("only the events that were asked for come, and messages with the trigger", async () => {
    const s = await scene({ events: ["message.updated", "message.deleted"] });
    const t = await scene({ trigger: "deploy" });
    const message = await s.send("one");
    await s.ask("message.edit", { message: message.id, text: "two" });
    await s.target.until("the change", (r) => r.length >= 1); // it is told of only while there is a text
    await s.ask("message.delete", { message: message.id });
    await s.target.until("both", (r) => r.length >= 2);
    assert.deepEqual(s.target.requests.map((r) => r.headers["parley-event"]), ["message.updated", "message.deleted"]);
    for (const text of ["hello", "deployment", "deploy now", "please deploy", "deploy"]) await t.send(text);
    await t.target.until("both", (r) => r.length >= 2);
    assert.deepEqual(texts(t.target.requests), ["deploy now", "deploy"]);
  });

  test("text in the answer is posted by the hook's bot, and tells no hook of itself", async () => {
    const s = await scene();
    const other = await newTarget();
    const answer = ({ json }) => ({ body: { text: `echo: ${json.event.params.message.text}` } });
    s.target.answer = other.answer = answer;
    await s.ask("hook.create", { kind: "outgoing", channel: s.channel.id, name: "other", url: other.url() });
    await s.send("ping");
    await s.send("pong");
    const history = async () => (await s.ask("message.history", { channel: s.channel.id })).messages;
    await eventually("the answers", async () => (await history()).length >= 6);
    await s.send("last");
    await s.target.until("the last", (r) => texts(r).includes("last"));
    await other.until("the last", (r) => texts(r).includes("last"));
    await eventually("all answers", async () => (await history()).length >= 9);
    const messages = await history();
    assert.deepEqual(messages.map((m) => m.text).sort(), [
      "echo: last", "echo: last", "echo: ping", "echo: ping", "echo: pong", "echo: pong", "last", "ping", "pong",
    ]);
    assert.equal(messages.filter((m) => m.author === s.hook.bot).length, 3);
    assert.deepEqual(texts(s.target.requests), ["ping", "pong", "last"]);
  });

  test("what is disabled or deleted is not told of anything", async () => {
    const s = await scene();
    const t = await scene();
    await s.ask("hook.update", { hook: s.hook.id, enabled: false });
    await t.ask("hook.delete", { hook: t.hook.id });
    await s.send("unheard");
    await t.send("unheard");
    await s.ask("hook.update", { hook: s.hook.id, enabled: true });
    await s.send("heard");
    await s.target.until("what is new", (r) => texts(r).includes("heard"));
    assert.deepEqual(texts(s.target.requests), ["heard"]);
    assert.equal(t.target.requests.length, 0);
  });
});

describe("targets that fail", () => {
  test("an event is tried again, later and later, with the same id; what is behind it waits", async () => {
    const s = await scene();
    s.target.answer = ({ n }) => ({ status: n < 3 ? 500 : 200 });
    await s.send("first");
    await s.send("second");
    await s.target.until("all of it", (r) => r.length >= 4);
    const requests = s.target.requests;
    assert.deepEqual(texts(requests), ["first", "first", "first", "second"]);
    assert.deepEqual(requests.map((r) => r.json.attempt), [1, 2, 3, 1]);
    assert.equal(firsts(requests.slice(0, 3).map((r) => r.headers["parley-delivery"])).length, 1);
    assert.ok(requests[1].at - requests[0].at >= 20, "the first pause");
    assert.ok(requests[2].at - requests[1].at >= 40, "the second pause is longer");
    assert.ok(requests.every((r) => isSigned(s.secret, r.headers, r.body)));
    await eventually("no failure any more", async () => (await s.reload()).failed_at === undefined);
    assert.deepEqual(await s.failures(), []);
  });

  test("after the last attempt it is a dead letter, and the next event's turn; it can be delivered by hand", async () => {
    const s = await scene();
    s.target.answer = ({ json }) => ({ status: json.event.params.message.text === "poison" ? 503 : 200 });
    const poison = await s.send("poison");
    await s.send("good");
    await s.target.until("the good one", (r) => texts(r).includes("good"));
    assert.deepEqual(texts(s.target.requests), ["poison", "poison", "poison", "good"]);
    const [letter, ...more] = await s.failures();
    assert.deepEqual(more, []);
    assert.equal(letter.seq, poison.seq);
    assert.equal(letter.event, "message.created");
    assert.equal(letter.attempts, 3);
    assert.equal(letter.status, 503);
    assert.equal(letter.error, "answered with status 503");
    assert.equal(letter.due, false);

    const again = () => s.ask("hook.redeliver", { hook: s.hook.id, seq: poison.seq });
    assert.equal((await again()).failure.due, true); // it fails once more
    await s.target.until("one more attempt", (r) => r.length >= 5);
    assert.equal(s.target.requests[4].json.attempt, 4);
    await eventually("it is back", async () => (await s.failures())[0].attempts === 4);
    assert.equal((await s.failures())[0].due, false);

    s.target.answer = () => ({ status: 200 });
    await again();
    await s.target.until("the last attempt", (r) => r.length >= 6);
    assert.equal(s.target.requests[5].headers["parley-delivery"], s.target.requests[0].headers["parley-delivery"]);
    await eventually("it is gone", async () => (await s.failures()).length === 0);
    const { status } = await call(shared.url, "hook.redeliver", { hook: s.hook.id, seq: poison.seq }, shared.ann.token);
    assert.equal(status, 404);
    await s.send("after");
    await s.target.until("what is new", (r) => texts(r).includes("after"));
  });

  test("a target that is gone disables its hook", async () => {
    const s = await scene();
    s.target.answer = () => ({ status: 410 });
    await s.send("anybody?");
    await eventually("it is disabled", async () => !(await s.reload()).enabled);
    const hook = await s.reload();
    assert.equal(hook.error, "answered with status 410: disabled");
    assert.equal((await s.failures())[0].status, 410);
    await s.send("nobody");
    assert.equal(s.target.requests.length, 1);
  });

  test("Retry-After is waited for", async () => {
    const s = await scene();
    s.target.answer = ({ n }) => (n === 1 ? { status: 429, headers: { "Retry-After": "1" } } : { status: 200 });
    await s.send("slowly");
    await s.target.until("both attempts", (r) => r.length >= 2);
    const [first, second] = s.target.requests;
    assert.ok(second.at - first.at >= 1000, `${second.at - first.at} ms`);
  });
});

test("a server stops in time while a target hangs, and the event is delivered by the next", async () => {
  const host = await newHost();
  const s = await scene({ host });
  s.target.answer = () => "hang";
  await s.send("hello");
  await s.target.until("the attempt", (r) => r.length >= 1);
  const began = Date.now();
  assert.equal((await host.end()).code, 0);
  assert.ok(Date.now() - began < 10_000, "it does not wait for the target");
  s.target.answer = () => ({ status: 200 });
  await host.restart();
  await s.target.until("the next", (r) => r.length >= 2);
  assert.deepEqual(texts(s.target.requests), ["hello", "hello"]);
  await host.end();
});

test("a dead letter that comes while the server stops is kept", async () => {
  const host = await newHost({ PARLEY_HOOK_ATTEMPTS: "1", PARLEY_WORKERS: "1" });
  const s = await scene({ host });
  let refuse;
  s.target.answer = ({ path }) => (path === "/slash" ? "hang" : new Promise((resolve) => (refuse = () => resolve({ status: 500 }))));
  const client = await Client.open(host.url, { token: host.ann.token });
  await s.ask("hook.create", { kind: "slash", channel: s.channel.id, name: "Waits", command: "wait", url: s.target.url("/slash") });
  const { seq } = await s.send("letter");
  await s.target.until("the delivery", (r) => r.length >= 1);
  const waits = call(host.url, "slash.run", { channel: s.channel.id, command: "wait" }, host.ann.token); // and the server with it
  await s.target.until("the command", (r) => r.length >= 2);
  const ended = host.end();
  await client.until("the end", (c) => c.events.some((e) => e.method === "server.draining"));
  refuse();
  assert.equal((await waits).status, 503);
  assert.equal((await ended).code, 0);
  await host.restart();
  await dead(s);
  assert.deepEqual((await s.failures()).map((f) => f.seq), [seq]);
  await client.vanish();
  await host.end();
});

describe("kill -9", () => {
  test("what was committed is delivered after the restart, none missing, in order", async () => {
    const host = await newHost();
    const s = await scene({ host });
    const hangs = 7;
    s.target.answer = ({ n }) => (n === hangs ? "hang" : { status: 200 });
    const sent = [];
    for (let i = 0; i < 20; i++) sent.push(await s.send(`m${i}`));
    await s.target.until("the one that hangs", (r) => r.length >= hangs);
    await host.server.kill();
    await host.restart();
    await s.target.until("all of them", (r) => firsts(seqs(r)).length >= sent.length);
    assert.deepEqual(firsts(seqs(s.target.requests)), sent.map((m) => m.seq));
    // the one that was under way came twice, under the same id
    const [last, next] = s.target.requests.slice(hangs - 1);
    assert.equal(last.json.event.params.message.text, "m6");
    assert.equal(next.headers["parley-delivery"], last.headers["parley-delivery"]);
    assert.ok((await s.reload()).enabled);
    await host.end();
  });

  test("what was delivered and written down is not delivered again", async () => {
    const host = await newHost();
    const s = await scene({ host });
    const { seq } = await s.send("once");
    await eventually("the position", async () => (await s.reload()).position >= seq);
    await host.server.kill();
    await host.restart();
    await s.send("then");
    await s.target.until("what is new", (r) => texts(r).includes("then"));
    assert.deepEqual(texts(s.target.requests), ["once", "then"]);
    await host.end();
  });

  test("a dead letter that was due is delivered after the restart", async () => {
    const host = await newHost();
    const s = await scene({ host });
    s.target.answer = () => ({ status: 500 });
    const { seq } = await s.send("letter");
    await dead(s);
    const attempts = s.target.requests.length;
    s.target.answer = () => "hang";
    await s.ask("hook.redeliver", { hook: s.hook.id, seq });
    await s.target.until("the attempt", (r) => r.length > attempts);
    await host.server.kill();
    s.target.answer = () => ({ status: 200 });
    await host.restart();
    await s.target.until("the next", (r) => r.length > attempts + 1);
    await eventually("the list is empty", async () => (await s.failures()).length === 0);
    await host.end();
  });
});

describe("hostile targets", () => {
  let host;
  before(async () => {
    host = await newHost({ PARLEY_OUTBOUND_TIMEOUT_MS: "300" });
  });
  after(() => host?.end());
  const there = () => scene({ host });
  const outbound = async (outcome) => (await metrics(host.server.url))[`parley_outbound_requests_total{outcome="${outcome}"}`];

  test("one that hangs is given up in time, and holds up nobody else", async () => {
    const hung = await there();
    const fine = await there();
    hung.target.answer = () => "hang";
    await hung.send("are you there?");
    await hung.target.until("an attempt", (r) => r.length >= 1);
    await fine.send("hello");
    await fine.target.until("the other's", (r) => r.length >= 1);
    await dead(hung);
    assert.equal((await hung.failures())[0].error, "did not answer in time");
    assert.ok((await outbound("timed_out")) >= 3);
  });

  test("one that sends a gigabyte is cut off", async () => {
    const s = await there();
    const before = rssMiB(host.server.pid);
    s.target.answer = ({ n }) => (n === 1 ? "endless" : { status: 200 });
    await s.send("much");
    await s.send("next");
    await s.target.until("the next", (r) => texts(r).includes("next"));
    await s.target.until("the end", () => s.target.endless === 0);
    assert.ok(s.target.sent < 64 << 20, `${s.target.sent} bytes were taken`);
    assert.ok((await outbound("ok")) >= 2, "what it had to say was read as far as it is of use");
    const grown = rssMiB(host.server.pid) - before;
    assert.ok(process.env.PARLEY_MODE !== "release" || grown < 16, `${grown} MiB of memory`);
  });

  test("a redirection to an address that is not allowed is not followed", async () => {
    const other = await newTarget();
    const s = await there();
    s.target.answer = () => ({ status: 307, headers: { Location: other.url("/inside", "127.0.0.2") } });
    await s.send("follow me");
    await dead(s);
    const [letter] = await s.failures();
    assert.match(letter.error, /not public/);
    assert.equal(letter.attempts, 3);
    assert.equal(other.requests.length, 0);
    assert.ok((await outbound("refused")) >= 3);
  });

  test("a redirection that keeps the request is followed", async () => {
    const s = await there();
    s.target.answer = ({ path }) => (path === "/hook" ? { status: 308, headers: { Location: "/moved" } } : { status: 200 });
    await s.send("follow me");
    await s.target.until("both", (r) => r.length >= 2);
    assert.equal(s.target.requests[1].path, "/moved");
    assert.ok(isSigned(s.secret, s.target.requests[1].headers, s.target.requests[1].body));
  });

  test("a name that leads to an address that is not allowed is not connected to", async () => {
    const closed = await newHost({ PARLEY_OUTBOUND_ALLOW: "" });
    const s = await scene({ host: closed });
    await s.ask("hook.update", { hook: s.hook.id, url: s.target.url("/hook", "localhost") });
    await s.send("psst");
    await dead(s);
    assert.match((await s.failures())[0].error, /not public/);
    assert.equal(s.target.requests.length, 0);
    const refused = (await metrics(closed.url))['parley_outbound_requests_total{outcome="refused"}'];
    assert.ok(refused >= 3, `${refused} were refused`);
    await closed.end();
  });

  test("a URL that is none is refused when the hook is made", async () => {
    const { channel } = await must(shared.url, "channel.create", { name: `out-${++serial}` }, shared.ann.token);
    for (const url of ["ftp://example.org/", "file:///etc/passwd", "http://user:word@example.org/", "nonsense"]) {
      const { status, body } = await call(shared.url, "hook.create", { kind: "outgoing", channel: channel.id, name: "x", url }, shared.ann.token);
      assert.equal(status, 422, url);
      assert.equal(body.field, "url");
    }
  });
});

test("over https the target's certificate is verified, with the authorities that were configured", async () => {
  const tls = { cert: readFileSync(tlsFile("cert.pem")), key: readFileSync(tlsFile("key.pem")) };
  const distrusted = await scene({ target: await newTarget({ tls }) }); // by the system's authorities
  await distrusted.send("secret");
  await dead(distrusted);
  assert.match((await distrusted.failures())[0].error, /certificate/i);
  assert.equal(distrusted.target.requests.length, 0);
  const host = await newHost({ PARLEY_OUTBOUND_CA: tlsFile("cert.pem") });
  const s = await scene({ host, target: await newTarget({ tls }) });
  await s.send("secret");
  await s.target.until("the delivery", (r) => r.length >= 1);
  assert.ok(isSigned(s.secret, s.target.requests[0].headers, s.target.requests[0].body));
  await host.end();
});
