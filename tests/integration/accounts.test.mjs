// Accounts on a real parleyd: who may register, signing in, throttling, sessions, the cookie.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { after, test } from "node:test";

import WebSocket from "ws";

import { Client } from "../lib/client.mjs";
import { call, start, within } from "../lib/parleyd.mjs";
import { eventually } from "../lib/process.mjs";

const PASSWORD = "correct horse battery";
const servers = [];
after(() => Promise.all(servers.map((server) => server.stop())));

async function serve(options) {
  const server = await start(options);
  servers.push(server);
  return server;
}

const register = (server, name, more = {}) => call(server.url, "auth.register", { name, password: PASSWORD, ...more });
const login = (server, name, password = PASSWORD) => call(server.url, "auth.login", { name, password });

async function registered(server, name, more) {
  const { status, body } = await register(server, name, more);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

/** A call over the admin socket. */
function admin(server, command, params = {}) {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify(params);
    const request = httpRequest(
      {
        socketPath: join(server.dataDir, "admin.sock"),
        path: `/api/v1/${command}`,
        method: "POST",
        headers: { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk) => (text += chunk));
        response.on("end", () => resolve({ status: response.statusCode, body: JSON.parse(text) }));
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

/** POST with headers of one's own choice; gives { status, body, headers }. */
async function post(server, command, params, headers = {}) {
  const response = await fetch(`${server.url}/api/v1/${command}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(params),
  });
  return { status: response.status, body: await response.json(), headers: response.headers };
}

test("the first account is the owner, the next ones are members, a name is taken once", async () => {
  const server = await serve();
  const info = async () => (await call(server.url, "server.info")).body;
  assert.equal((await info()).setup, "open");
  const ann = await registered(server, "ann", { display_name: "Ann Ω" });
  assert.equal(ann.user.role, "owner");
  assert.equal(ann.user.display_name, "Ann Ω");
  assert.equal((await info()).setup, "none");
  assert.equal((await registered(server, "bob")).user.role, "member");
  const again = await register(server, "ann");
  assert.equal(again.status, 409);
  assert.equal(again.body.type, "conflict");
});

test("of many first accounts at once exactly one is the owner", async () => {
  const server = await serve();
  const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => registered(server, `user${i}`)));
  assert.equal(answers.filter(({ user }) => user.role === "owner").length, 1);
});

test("names and passwords have bounds, and the answer names the field", async () => {
  const server = await serve();
  const cases = [
    [{ name: "Ann", password: PASSWORD }, "name"],
    [{ name: "-ann", password: PASSWORD }, "name"],
    [{ name: "a".repeat(33), password: PASSWORD }, "name"],
    [{ name: "ann", password: "1234567" }, "password"],
    [{ name: "ann", password: "x".repeat(257) }, "password"],
    [{ name: "ann" }, "password"],
    [{ name: "ann", password: 12345678 }, "password"],
  ];
  for (const [params, field] of cases) {
    const { status, body } = await call(server.url, "auth.register", params);
    assert.equal(status, 422, JSON.stringify(params));
    assert.equal(body.type, "invalid_params");
    assert.equal(body.field, field);
  }
});

test("an unknown name and a wrong password get the same answer in about the same time", async () => {
  // Every try counts against its address; a server that trusts us as a proxy takes each from another one.
  const server = await serve({ args: ["--trusted-proxies", "127.0.0.1"] });
  await registered(server, "ann");
  let tries = 0;
  const attempt = async (name) => {
    tries++;
    const from = { "X-Forwarded-For": `198.51.100.${tries}`, "X-Request-Id": "always-the-same" };
    const begin = performance.now();
    const { status, body, headers } = await post(server, "auth.login", { name, password: "wrong password" }, from);
    const ms = performance.now() - begin;
    return { ms, answer: { status, body, type: headers.get("content-type"), challenge: headers.get("www-authenticate") } };
  };
  const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
  const known = [];
  const unknown = [];
  const expected = (await attempt("ann")).answer;
  assert.equal(expected.status, 401);
  for (let i = 0; i < 11; i++) {
    // A name may be tried a few times before it is slowed down: a right password makes that good.
    if (i % 3 === 2) assert.equal((await login(server, "ann")).status, 200);
    const first = await attempt("ann");
    const second = await attempt(`nobody${i}`);
    assert.deepEqual(first.answer, expected);
    assert.deepEqual(second.answer, expected);
    known.push(first.ms);
    unknown.push(second.ms);
  }
  const ratio = median(known) / median(unknown);
  assert.ok(ratio > 0.5 && ratio < 2, `known ${median(known)} ms, unknown ${median(unknown)} ms`);
});

test("guessing one name is slowed down, whoever guesses; other names are not", async () => {
  const server = await serve({ args: ["--trusted-proxies", "127.0.0.1"] });
  await registered(server, "ann");
  await registered(server, "bob");
  let limited;
  for (let i = 0; i < 20 && !limited; i++) {
    const from = { "X-Forwarded-For": `198.51.100.${i}` };
    const answer = await post(server, "auth.login", { name: "ann", password: `guess number ${i}` }, from);
    if (answer.status === 429) limited = answer;
    else assert.equal(answer.status, 401);
  }
  const since = performance.now();
  assert.ok(limited, "20 guesses went through");
  assert.equal(limited.body.type, "rate_limited");
  assert.ok(limited.body.retry_after_ms >= 1 && limited.body.retry_after_ms <= 30_000);
  assert.ok(Number(limited.headers.get("retry-after")) >= 1);
  const right = await login(server, "ann"); // the right password does not help now
  if (performance.now() - since < limited.body.retry_after_ms) assert.equal(right.status, 429);
  assert.equal((await login(server, "bob")).status, 200);
});

test("guessing many names from one address is slowed down; other addresses are not", async () => {
  const server = await serve({ args: ["--trusted-proxies", "127.0.0.1"] });
  await registered(server, "ann");
  const from = (address, name, password) => post(server, "auth.login", { name, password }, { "X-Forwarded-For": address });
  let limited;
  for (let i = 0; i < 60 && !limited; i++) {
    const answer = await from("198.51.100.1", `name${i}`, "wrong password");
    if (answer.status === 429) limited = answer;
    else assert.equal(answer.status, 401);
  }
  assert.ok(limited, "60 guesses went through");
  const since = performance.now();
  const right = await from("198.51.100.1", "ann", PASSWORD);
  if (performance.now() - since < limited.body.retry_after_ms) assert.equal(right.status, 429);
  assert.equal((await from("198.51.100.2", "ann", PASSWORD)).status, 200);
});

test("an address makes only so many accounts; other addresses and the admin socket are not concerned", async () => {
  const args = ["--trusted-proxies", "127.0.0.1", "--registrations-per-address", "3"];
  const server = await serve({ args });
  const from = (address, name) =>
    post(server, "auth.register", { name, password: PASSWORD }, { "X-Forwarded-For": address });
  for (const name of ["one", "two", "three"]) assert.equal((await from("198.51.100.1", name)).status, 200);
  const limited = await from("198.51.100.1", "four");
  assert.equal(limited.status, 429);
  assert.equal(limited.body.type, "rate_limited");
  assert.ok(limited.body.retry_after_ms > 1_000_000 && limited.body.retry_after_ms <= 1_200_000, JSON.stringify(limited.body));
  assert.equal((await from("198.51.100.2", "four")).status, 200);
  assert.equal((await post(server, "auth.login", { name: "one", password: PASSWORD }, { "X-Forwarded-For": "198.51.100.1" })).status, 200);
  for (const name of ["five", "six", "seven", "eight"])
    assert.equal((await admin(server, "auth.register", { name, password: PASSWORD })).status, 200);
});

test("the cookie is Secure when a trusted proxy says that the client came by https", async () => {
  const secure = async (server, headers) => {
    const { status, headers: got } = await post(server, "auth.login", { name: "ann", password: PASSWORD }, headers);
    assert.equal(status, 200);
    return / Secure/.test(got.get("set-cookie"));
  };
  const trusting = await serve({ args: ["--trusted-proxies", "127.0.0.1"] });
  await registered(trusting, "ann");
  assert.equal(await secure(trusting, { "X-Forwarded-Proto": "https" }), true);
  assert.equal(await secure(trusting, { "X-Forwarded-Proto": "http" }), false);
  assert.equal(await secure(trusting, {}), false);
  const plain = await serve();
  await registered(plain, "ann");
  assert.equal(await secure(plain, { "X-Forwarded-Proto": "https" }), false);
});

test("behind a trusted proxy a WebSocket counts as its client's, and a page of http may not use the cookie of https", async () => {
  const server = await serve({ args: ["--trusted-proxies", "127.0.0.1", "--max-connections-per-address", "2"] });
  const ann = await registered(server, "ann");
  const open = (headers) => Client.open(server.url, { headers, token: ann.token });
  const from = (address) => open({ "X-Forwarded-For": address });
  const clients = [await from("198.51.100.1"), await from("203.0.113.9, 198.51.100.1"), await from("198.51.100.2")];
  await assert.rejects(from("198.51.100.1"), /503/);
  await assert.rejects(from(`${"192.0.2.1, ".repeat(300)}198.51.100.1`), /503/);
  await clients[0].close();
  clients.push(await eventually("room for one more", () => from("198.51.100.1").catch(() => undefined)));
  for (const client of clients) await client.close();
  const host = new URL(server.url).host;
  const page = (scheme) =>
    open({ "X-Forwarded-Proto": "https", Origin: `${scheme}://${host}`, Cookie: `parley_session=${ann.token}` });
  await (await page("https")).close();
  await assert.rejects(page("http"), /403/);
});

test("from anybody else the proxies' headers are ignored", async () => {
  const server = await serve({ args: ["--trusted-proxies", "192.0.2.0/24", "--max-connections-per-address", "2"] });
  const ann = await registered(server, "ann");
  const from = (address) => Client.open(server.url, { headers: { "X-Forwarded-For": address }, token: ann.token });
  const { body } = await call(server.url, "auth.sessions", {}, ann.token);
  assert.equal(body.sessions[0].address, "127.0.0.1");
  const clients = [];
  await assert.rejects(async () => {
    for (let i = 0; i < 5; i++) clients.push(await from(`198.51.100.${i}`));
  }, /503/);
  for (const client of clients) await client.close();
});

test("a storm of sign-ins does not keep messages from being sent", async () => {
  const server = await serve({ args: ["--trusted-proxies", "127.0.0.1"] });
  const ann = await registered(server, "ann");
  const channel = (await call(server.url, "channel.list", {}, ann.token)).body.channels[0].id;
  let waiting = 80;
  const storm = Array.from({ length: waiting }, async (_, i) => {
    const from = { "X-Forwarded-For": `198.51.100.${i}` };
    const { status } = await post(server, "auth.login", { name: `nobody${i}`, password: "wrong password" }, from);
    waiting--;
    assert.ok(status === 401 || status === 503, `status ${status}`);
  });
  for (let i = 0; i < 20; i++)
    assert.equal((await call(server.url, "message.send", { channel, text: `number ${i}` }, ann.token)).status, 200);
  assert.ok(waiting > 0, "the storm was over before the messages were sent");
  await Promise.all(storm);
});

test("sessions are listed, and a revoked one ends at once, its connection with 4002", async () => {
  const server = await serve();
  const first = await registered(server, "ann");
  const second = (await post(server, "auth.login", { name: "ann", password: PASSWORD }, { "User-Agent": "test agent" })).body;
  const { body } = await call(server.url, "auth.sessions", {}, first.token);
  assert.equal(body.sessions.length, 2);
  const mine = body.sessions.find(({ id }) => id === first.session);
  const other = body.sessions.find(({ id }) => id === second.session);
  assert.equal(mine.current, true);
  assert.equal(other.current, false);
  assert.equal(other.agent, "test agent");
  assert.equal(other.address, "127.0.0.1");
  assert.ok(Date.parse(other.expires_at) > Date.parse(other.created_at));
  assert.ok(!JSON.stringify(body).includes(second.token));

  const socket = new WebSocket(`${server.url.replace("http", "ws")}/ws`, { headers: { Authorization: `Bearer ${second.token}` } });
  const closed = new Promise((resolve) => socket.on("close", (code) => resolve(code)));
  const started = new Promise((resolve) => socket.on("message", (data) => JSON.parse(data).id === 1 && resolve(JSON.parse(data))));
  socket.on("open", () => socket.send('{"jsonrpc":"2.0","id":1,"method":"session.start","params":{}}'));
  assert.ok((await within(20_000, "session.start", started)).result);
  assert.equal((await call(server.url, "auth.revoke", { session: second.session }, first.token)).status, 200);
  assert.equal(await within(20_000, "the close", closed), 4002);
  assert.equal((await call(server.url, "auth.sessions", {}, second.token)).status, 401);
  assert.equal((await call(server.url, "auth.sessions", {}, first.token)).body.sessions.length, 1);
  assert.equal((await call(server.url, "auth.revoke", { session: second.session }, first.token)).status, 404);
});

test("nobody revokes another's session", async () => {
  const server = await serve();
  const ann = await registered(server, "ann");
  const bob = await registered(server, "bob");
  assert.equal((await call(server.url, "auth.revoke", { session: ann.session }, bob.token)).status, 404);
  assert.equal((await call(server.url, "auth.sessions", {}, ann.token)).status, 200);
});

test("a changed password ends the other sessions and only the new one signs in", async () => {
  const server = await serve();
  const ann = await registered(server, "ann");
  const other = (await login(server, "ann")).body;
  const wrong = await call(server.url, "auth.password", { old: "not this one", new: "another password" }, ann.token);
  assert.equal(wrong.status, 403);
  assert.equal(wrong.body.field, "old");
  const changed = await call(server.url, "auth.password", { old: PASSWORD, new: "another password" }, ann.token);
  assert.equal(changed.status, 200, JSON.stringify(changed.body));
  assert.equal((await call(server.url, "auth.sessions", {}, ann.token)).status, 200);
  assert.equal((await call(server.url, "auth.sessions", {}, other.token)).status, 401);
  assert.equal((await login(server, "ann")).status, 401);
  assert.equal((await login(server, "ann", "another password")).status, 200);
});

test("the cookie signs in a page of an allowed origin, and only such a page", async () => {
  const server = await serve({ args: ["--allowed-origins", "https://chat.example.org"] });
  const { headers, body } = await post(server, "auth.register", { name: "ann", password: PASSWORD });
  const set = headers.get("set-cookie");
  assert.match(set, /^parley_session=[\w-]{43}; /);
  for (const attribute of ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=2592000"]) assert.ok(set.includes(attribute), set);
  assert.ok(set.includes(body.token));
  const cookie = set.split(";")[0];
  const ask = async (origin) =>
    (await post(server, "auth.sessions", {}, { Cookie: `other=1; ${cookie}`, ...(origin ? { Origin: origin } : {}) })).status;
  assert.equal(await ask(server.url), 200);
  assert.equal(await ask("https://chat.example.org"), 200);
  assert.equal(await ask(undefined), 403);
  assert.equal(await ask("https://evil.example"), 403);
  assert.equal(await ask("null"), 403);

  const upgrade = (origin) =>
    within(
      20_000,
      "the upgrade",
      new Promise((resolve) => {
        const socket = new WebSocket(`${server.url.replace("http", "ws")}/ws`, { headers: { Cookie: cookie, Origin: origin } });
        socket.on("open", () => resolve(101) ?? socket.close());
        socket.on("unexpected-response", (_, response) => resolve(response.statusCode) ?? socket.terminate());
        socket.on("error", () => {});
      }),
    );
  assert.equal(await upgrade(server.url), 101);
  assert.equal(await upgrade("https://evil.example"), 403);

  const out = await post(server, "auth.logout", {}, { Cookie: cookie, Origin: server.url });
  assert.equal(out.status, 200);
  assert.match(out.headers.get("set-cookie"), /^parley_session=; .*Max-Age=0/);
  assert.equal((await call(server.url, "auth.sessions", {}, body.token)).status, 401);
});

test("on an address that others can reach the first account needs the set-up code", async () => {
  const server = await serve({ listen: "0.0.0.0:0" });
  const url = server.url.replace("0.0.0.0", "127.0.0.1");
  const reach = { url };
  const code = (await within(20_000, "the set-up code", printed(server, /set-up code[^:]*: (\S+)/)))[1];
  assert.match(code, /^(?:[2-9a-z]{4}-){3}[2-9a-z]{4}$/);
  assert.equal((await call(url, "server.info")).body.setup, "code");
  const without = await register(reach, "mallory");
  assert.equal(without.status, 403);
  assert.equal(without.body.field, "invite");
  assert.equal((await register(reach, "mallory", { invite: "abcd-efgh-jkmn-pqrs" })).status, 403);
  const owner = await registered(reach, "ann", { invite: code.toUpperCase().replaceAll("-", "") });
  assert.equal(owner.user.role, "owner");
  assert.equal((await call(url, "server.info")).body.setup, "none");
  assert.equal((await registered(reach, "bob")).user.role, "member");
});

test("a set-up code of one's own is taken and not printed", async () => {
  const server = await serve({ listen: "0.0.0.0:0", env: { PARLEY_SETUP_CODE: "abcd-efgh-2345-6789" } });
  const reach = { url: server.url.replace("0.0.0.0", "127.0.0.1") };
  assert.equal((await register(reach, "mallory", { invite: "abcd-efgh-jkmn-pqrs" })).status, 403);
  assert.equal((await registered(reach, "ann", { invite: "ABCDEFGH23456789" })).user.role, "owner");
  await server.stop();
  assert.doesNotMatch(server.out() + server.log(), /abcd-efgh/);
});

/** Waits for a line on stdout. */
async function printed(server, pattern) {
  for (;;) {
    const match = pattern.exec(server.out());
    if (match) return match;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test("with registration by invite an account needs one, and each is good as often as it says", async () => {
  const server = await serve({ args: ["--registration", "invite"] });
  const ann = await registered(server, "ann"); // the first one needs none
  assert.equal((await call(server.url, "server.info")).body.registration, "invite");
  const refused = await register(server, "bob");
  assert.equal(refused.status, 403);
  assert.equal(refused.body.field, "invite");
  assert.equal((await register(server, "bob", { invite: "a".repeat(43) })).status, 403);
  const { body } = await call(server.url, "admin.invite.create", { uses: 2 }, ann.token);
  const invite = body.invite;
  await registered(server, "bob", { invite });
  assert.equal((await register(server, "bob", { invite })).status, 409); // a taken name uses nothing up
  await registered(server, "eve", { invite });
  assert.equal((await register(server, "mallory", { invite })).status, 403);
  const revoked = (await call(server.url, "admin.invite.create", {}, ann.token)).body.invite;
  const list = (await call(server.url, "admin.invite.list", {}, ann.token)).body.invites;
  assert.equal(list.length, 1);
  assert.ok(!JSON.stringify(list).includes(revoked));
  assert.equal((await call(server.url, "admin.invite.revoke", { invite: list[0].id ?? list[0].invite }, ann.token)).status, 200);
  assert.equal((await register(server, "mallory", { invite: revoked })).status, 403);
});

test("with registration closed only admins make accounts", async () => {
  const server = await serve({ args: ["--registration", "closed"] });
  const ann = await registered(server, "ann");
  const refused = await register(server, "bob");
  assert.equal(refused.status, 403);
  assert.equal(refused.body.type, "forbidden");
  const made = await call(server.url, "admin.user.create", { name: "bob", password: PASSWORD }, ann.token);
  assert.equal(made.status, 200, JSON.stringify(made.body));
  assert.equal((await login(server, "bob")).status, 200);
});

test("a disabled account cannot sign in, its sessions end, and the last owner stays", async () => {
  const server = await serve();
  const ann = await registered(server, "ann");
  const bob = await registered(server, "bob");
  assert.equal((await admin(server, "admin.user.disable", { user: "@bob", disabled: true })).status, 200);
  assert.equal((await call(server.url, "auth.sessions", {}, bob.token)).status, 401);
  assert.equal((await login(server, "bob")).status, 401);
  assert.equal((await admin(server, "admin.user.disable", { user: "@bob", disabled: false })).status, 200);
  assert.equal((await login(server, "bob")).status, 200);
  assert.equal((await admin(server, "admin.user.disable", { user: "@ann", disabled: true })).status, 409);
  assert.equal((await call(server.url, "auth.sessions", {}, ann.token)).status, 200);
});

/** The bytes of the database. */
function stored(server) {
  const files = ["parley.db", "parley.db-wal"].map((name) => join(server.dataDir, name)).filter(existsSync);
  return Buffer.concat(files.map((path) => readFileSync(path)));
}

test("a sign-in renews a hash that was made with other parameters", async () => {
  const server = await start();
  await registered(server, "ann");
  await server.stop();
  assert.ok(!stored(server).includes("m=19456,t=3"));
  const stronger = await serve({ dataDir: server.dataDir, args: ["--password-passes", "3"] });
  assert.equal((await login(stronger, "ann", "wrong password")).status, 401);
  assert.equal((await login(stronger, "ann")).status, 200);
  assert.equal((await login(stronger, "ann")).status, 200);
  await stronger.stop();
  assert.ok(stored(stronger).includes("$argon2id$v=19$m=19456,t=3"));
});

test("neither the database nor the log holds a password or a token", async () => {
  const server = await serve({ args: ["--log-level", "debug"] });
  const ann = await registered(server, "ann");
  await login(server, "ann");
  await server.stop();
  const kept = stored(server);
  assert.ok(kept.length > 0 && kept.includes("$argon2id$v=19$m=19456,t=2"));
  for (const secret of [PASSWORD, ann.token]) {
    assert.ok(!kept.includes(secret));
    assert.ok(!server.log().includes(secret));
  }
});

test("sessions survive a restart of the server", async () => {
  const server = await start();
  const ann = await registered(server, "ann");
  await server.kill();
  const again = await serve({ dataDir: server.dataDir });
  const { status, body } = await call(again.url, "auth.sessions", {}, ann.token);
  assert.equal(status, 200);
  assert.equal(body.sessions[0].id, ann.session);
});
