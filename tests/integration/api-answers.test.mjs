// Answers over HTTP as pages, caches and impatient clients meet them: compression, pages of other origins, the rate of a session.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { start } from "../lib/parleyd.mjs";
import { login, must, register } from "../lib/people.mjs";
import { request } from "../lib/raw_http.mjs";

const API = "/api/v1/";
const PAGE = "https://chat.example.org";
const bearer = (account) => ({ Authorization: `Bearer ${account.token}` });

describe("compression", () => {
  let server;
  let ann;
  let channel;
  before(async () => {
    server = await start({ env: { PARLEY_RATE_LIMITS: "off" } });
    ann = await register(server.url, "ann");
    channel = (await must(server.url, "channel.create", { name: "plans" }, ann.token)).channel.id;
    const texts = Array.from({ length: 60 }, (_, i) => `${i} ${"lunch and dinner ".repeat(i % 40)}`.trim());
    for (const text of texts) await must(server.url, "message.send", { channel, text }, ann.token);
  });
  after(() => server?.stop());

  const history = (headers, { method, limit = 50 } = {}) =>
    request(server.url, `${API}message.history?channel=${channel}&limit=${limit}`, { method, headers: { ...bearer(ann), ...headers } });
  const unzip = ({ body }) => JSON.parse(gunzipSync(Buffer.from(body, "latin1")).toString());

  test("a large answer comes as gzip to who takes it, and is the same", async () => {
    const plain = await history({});
    const small = await history({ "Accept-Encoding": "gzip, deflate, br" });
    assert.equal(plain.headers["content-encoding"], undefined);
    assert.equal(small.headers["content-encoding"], "gzip");
    assert.ok(small.body.length * 3 < plain.body.length, `${small.body.length} of ${plain.body.length}`);
    assert.equal(Number(small.headers["content-length"]), small.body.length);
    assert.deepEqual(unzip(small), JSON.parse(plain.body));
    for (const { headers } of [plain, small]) assert.equal(headers.vary, "Origin, Accept-Encoding");
  });

  test("the qualities of Accept-Encoding decide (RFC 9110 section 12.5.3)", async () => {
    const codings = {
      "gzip;q=0": undefined,
      "br, identity": undefined,
      "*;q=0": undefined,
      "gzip;q=0.5, identity;q=0.9": undefined,
      "gzip;q=0.9, identity;q=0.5": "gzip",
      "gzip;q=0.001": "gzip",
      "*": "gzip",
      "*, gzip;q=0": undefined,
      "GZIP": "gzip",
    };
    for (const [accept, coding] of Object.entries(codings)) {
      const answer = await history({ "Accept-Encoding": accept });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["content-encoding"], coding, accept);
    }
  });

  test("the validator is weak and holds for both forms (section 8.8.3)", async () => {
    const plain = await history({});
    const small = await history({ "Accept-Encoding": "gzip" });
    assert.match(plain.headers.etag, /^W\/"/);
    assert.equal(small.headers.etag, plain.headers.etag);
    const again = await history({ "Accept-Encoding": "gzip", "If-None-Match": plain.headers.etag });
    assert.equal(again.status, 304);
    assert.equal(again.headers.vary, "Origin, Accept-Encoding");
    assert.equal(again.headers["content-encoding"], undefined);
  });

  test("HEAD has the headers of that GET", async () => {
    const get = await history({ "Accept-Encoding": "gzip" });
    const head = await history({ "Accept-Encoding": "gzip" }, { method: "HEAD" });
    assert.equal(head.headers["content-length"], get.headers["content-length"]);
    assert.equal(head.headers["content-encoding"], "gzip");
    assert.equal(head.body, "");
  });

  test("a small answer, a problem, and one with a secret come as they are", async () => {
    const accept = { "Accept-Encoding": "gzip" };
    assert.equal((await history(accept, { limit: 1 })).headers["content-encoding"], undefined);
    assert.equal((await request(server.url, `${API}message.history?channel=nowhere`, { headers: { ...bearer(ann), ...accept } })).headers["content-encoding"], undefined);
    const made = await fetch(`${server.url}${API}token.create`, {
      method: "POST",
      headers: { ...bearer(ann), ...accept, "Content-Type": "application/json" },
      body: JSON.stringify({ name: "n".repeat(60), scopes: ["messages:read"] }),
    });
    assert.equal(made.status, 200);
    assert.equal(made.headers.get("content-encoding"), null);
  });

  test("POST is compressed like GET, and the connection goes on", async () => {
    for (let i = 0; i < 3; i++) {
      const answer = await fetch(`${server.url}${API}message.history`, {
        method: "POST",
        headers: { ...bearer(ann), "Content-Type": "application/json" },
        body: JSON.stringify({ channel, limit: 60 }),
      });
      assert.equal(answer.headers.get("content-encoding"), "gzip");
      assert.equal((await answer.json()).messages.length, 60);
    }
  });

  test("more at once than are compressed at a time are all answered", async () => {
    const all = await Promise.all(Array.from({ length: 80 }, () => history({ "Accept-Encoding": "gzip" }, { limit: 60 })));
    for (const answer of all) {
      const body = answer.headers["content-encoding"] === "gzip" ? unzip(answer) : JSON.parse(answer.body);
      assert.equal(body.messages.length, 60);
    }
  });
});

describe("pages of other origins", () => {
  let server;
  let ann;
  before(async () => {
    server = await start({ args: ["--allowed-origins", PAGE], env: { PARLEY_RATE_LIMITS: "off" } });
    ann = await register(server.url, "ann");
  });
  after(() => server?.stop());
  const at = (Origin, command = "user.list", more = {}) =>
    fetch(`${server.url}${API}${command}`, { ...more, headers: { ...bearer(ann), Origin, ...more.headers } });

  test("an allowed one may read results and problems, with credentials and their headers", async () => {
    for (const [command, status] of [["user.list", 200], ["user.get?user=@nobody", 404], ["no.command", 404], ["openapi.json", 200]]) {
      const answer = await at(PAGE, command);
      assert.equal(answer.status, status, command);
      assert.equal(answer.headers.get("access-control-allow-origin"), PAGE, command);
      assert.equal(answer.headers.get("access-control-allow-credentials"), "true");
      assert.match(answer.headers.get("access-control-expose-headers"), /Retry-After/);
      assert.match(answer.headers.get("vary"), /Origin/);
    }
  });

  test("another one may not, nor may a page without an origin of its own", async () => {
    for (const origin of ["https://evil.example.org", `${PAGE}.evil.example`, "http://chat.example.org", "null"]) {
      const { headers } = await at(origin);
      assert.equal(headers.get("access-control-allow-origin"), null, origin);
      assert.equal(headers.get("access-control-allow-credentials"), null);
      assert.match(headers.get("vary"), /Origin/);
    }
  });

  test("who sends no Origin is told that answers differ by it", async () => {
    assert.match((await request(server.url, `${API}user.list`, { headers: bearer(ann) })).headers.vary, /Origin/);
  });

  test("a preflight says what may be sent", async () => {
    const ask = { method: "OPTIONS", headers: { "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type" } };
    const cases = { "message.history": "GET, HEAD, POST, OPTIONS", "message.send": "POST, OPTIONS", "stream.follow": "GET, OPTIONS" };
    for (const [command, methods] of Object.entries(cases)) {
      const { status, headers } = await at(PAGE, command, ask);
      assert.equal(status, 204);
      assert.equal(headers.get("access-control-allow-origin"), PAGE);
      assert.equal(headers.get("access-control-allow-methods"), methods);
      for (const name of ["Authorization", "Content-Type", "Last-Event-ID"])
        assert.match(headers.get("access-control-allow-headers"), new RegExp(`\\b${name}\\b`));
      assert.equal(headers.get("access-control-max-age"), "600");
      const refused = await at("https://evil.example.org", command, ask);
      assert.equal(refused.status, 204);
      for (const name of ["origin", "methods", "headers", "credentials"]) assert.equal(refused.headers.get(`access-control-allow-${name}`), null);
    }
  });

  test("the events of stream.follow can be read by an allowed one", async () => {
    for (const [origin, allowed] of [[PAGE, PAGE], ["https://evil.example.org", null]]) {
      const stop = new AbortController();
      const answer = await at(origin, "stream.follow", { signal: stop.signal });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("access-control-allow-origin"), allowed);
      assert.match(answer.headers.get("vary"), /Origin/);
      stop.abort();
    }
  });
});

describe("the rate of a session", () => {
  let server;
  let ann;
  let ben;
  const burst = 10;
  before(async () => {
    server = await start({ env: { PARLEY_RATE_READ: "1", PARLEY_RATE_READ_BURST: String(burst) }, args: ["--workers", "2"] });
    ann = await register(server.url, "ann");
    ben = await register(server.url, "ben");
  });
  after(() => server?.stop());
  const ask = (account) => request(server.url, `${API}user.get?user=@ann`, { headers: bearer(account) }); // a connection each

  test("it is the same over any number of connections, and another session has its own", async () => {
    const all = await Promise.all(Array.from({ length: burst * 4 }, () => ask(ann)));
    const good = all.filter(({ status }) => status === 200).length;
    assert.ok(good >= burst && good < burst * 2, `${good} were answered`);
    for (const answer of all.filter(({ status }) => status !== 200)) {
      assert.equal(answer.status, 429);
      assert.ok(Number(answer.headers["retry-after"]) >= 1);
      const problem = JSON.parse(answer.body);
      assert.equal(problem.type, "rate_limited");
      assert.ok(problem.retry_after_ms > 0);
    }
    assert.equal((await ask(ben)).status, 200);
    const other = await login(server.url, "ann");
    assert.equal((await ask(other)).status, 200);
  });
});
