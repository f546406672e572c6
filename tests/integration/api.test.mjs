// HTTP as it goes over the wire: framing, methods, types, conditional reads, ids of requests. What the commands do is tested elsewhere.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { start } from "../lib/parleyd.mjs";
import { must, register } from "../lib/people.mjs";
import { cpuSeconds, eventually, metrics } from "../lib/process.mjs";
import { Raw } from "../lib/raw.mjs";
import { answers, raw, request } from "../lib/raw_http.mjs";

const { commands } = JSON.parse(execFileSync(process.env.PARLEYD, ["--dump-protocol"], { maxBuffer: 1 << 24 }));
const API = "/api/v1/";

let server;
let ann;
let channel;
before(async () => {
  server = await start({ env: { PARLEY_RATE_LIMITS: "off", PARLEY_HANDSHAKE_TIMEOUT_MS: "1000" } });
  ann = await register(server.url, "ann");
  channel = (await must(server.url, "channel.create", { name: "plans" }, ann.token)).channel.id;
  for (let i = 0; i < 5; i++) await must(server.url, "message.send", { channel, text: `hello ${i}` }, ann.token);
});
after(() => server?.stop());

const auth = () => ({ Authorization: `Bearer ${ann.token}` });
const lines = (headers) => Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");

/** A request as text; HEADERS may have anything. */
function text(method, path, headers = {}, body = "") {
  return `${method} ${path} HTTP/1.1\r\n${lines({ Host: "x", ...headers })}\r\n${body}`;
}
const json = (body, more = {}) => ({ "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body), ...more });
const post = (command, params, more = {}) => {
  const body = JSON.stringify(params);
  return text("POST", API + command, json(body, { ...auth(), ...more }), body);
};
const get = (command, query = {}, headers = {}, method = "GET") =>
  request(server.url, `${API}${command}${Object.keys(query).length > 0 ? `?${new URLSearchParams(query)}` : ""}`, {
    method,
    headers: { ...auth(), ...headers },
  });

/** The N answers to TEXT on one connection. */
async function ask(bytes, n = 1) {
  const connection = new Raw(server.url);
  connection.write(bytes);
  const whole = () => {
    const all = answers(connection.data.toString("utf8")).filter((a) => a.status >= 200);
    return all.length >= n && (connection.gone || all.at(-1).body.length >= 0) ? all : connection.gone && all;
  };
  const all = await connection.until(`${n} answers`, whole);
  connection.destroy();
  return all;
}

function isProblem(answer, status, type) {
  assert.equal(answer.status, status, JSON.stringify(answer));
  assert.equal(answer.headers["content-type"], "application/problem+json");
  const problem = JSON.parse(answer.body);
  assert.equal(problem.type, type);
  assert.equal(problem.status, status);
  assert.ok(problem.title);
  assert.equal(problem.request_id, answer.headers["x-request-id"]);
  return problem;
}

describe("the framing of a request (RFC 9112)", () => {
  const path = `${API}server.info`;
  const two = "{}";
  const refused = {
    "two lengths that differ": [text("POST", path, { ...json(two), "content-length": 3 }, two), 400],
    "a length twice": [text("POST", path, { ...json(two), "content-length": 2 }, two), 400],
    "a length that is no number": [text("POST", path, { ...json(two), "Content-Length": "2x" }, two), 400],
    "a negative length": [text("POST", path, { ...json(two), "Content-Length": "-2" }, two), 400],
    "a signed length": [text("POST", path, { ...json(two), "Content-Length": "+2" }, two), 400],
    "a length beyond all bounds": [text("POST", path, { ...json(two), "Content-Length": "99999999999999999999" }, two), 400],
    "a length and chunks": [text("POST", path, { ...json(two), "Transfer-Encoding": "chunked" }, "2\r\n{}\r\n0\r\n\r\n"), 400],
    "a space before the colon of the length": [text("POST", path, { "Content-Type": "application/json", "Content-Length ": 2 }, two), 400],
    "a space before the colon of the coding": [text("POST", path, { ...json(two), "Transfer-Encoding ": "chunked" }, two), 400],
    "another coding": [text("POST", path, { "Transfer-Encoding": "gzip, chunked" }, ""), 501],
    "no Host": [`POST ${path} HTTP/1.1\r\nContent-Length: 0\r\n\r\n`, 400],
    "two Hosts": [text("POST", path, { "Content-Length": 0, host: "y" }), 400],
    "another version": [`POST ${path} HTTP/3.0\r\nHost: x\r\nContent-Length: 0\r\n\r\n`, 505],
    "an expectation that nobody has heard of": [text("POST", path, { ...json(two), Expect: "tea" }), 417],
    "a body with GET": [text("GET", path, json(two), two), 400],
  };
  for (const [what, [bytes, status]] of Object.entries(refused)) {
    test(`${what} is answered with ${status}, and the connection ends`, async () => {
      const [answer, ...more] = answers(await raw(server.url, bytes));
      assert.equal(answer?.status, status, JSON.stringify(answer));
      assert.equal(answer.headers.connection, "close");
      assert.deepEqual(more, []);
    });
  }

  test("a request that is smuggled behind a broken one is not carried out", async () => {
    const inner = post("channel.create", { name: "smuggled" });
    const outer = text("POST", path, { ...json("0\r\n\r\n"), "Transfer-Encoding": "chunked" }, `0\r\n\r\n${inner}`);
    assert.equal(answers(await raw(server.url, outer)).length, 1);
    const { channels } = await must(server.url, "channel.list", {}, ann.token);
    assert.deepEqual(channels.map((c) => c.name).filter((name) => name === "smuggled"), []);
  });

  test("a body over frame_bytes is refused with 413 before it is sent", async () => {
    const [answer] = answers(await raw(server.url, text("POST", path, { ...json(""), "Content-Length": 1e9 })));
    isProblem(answer, 413, "too_large");
  });

  test("who sends it all the same can read the 413", async () => {
    for (let i = 0; i < 10; i++) {
      const [answer] = answers(await raw(server.url, text("POST", path, json("x".repeat(300_000)), "x".repeat(300_000))));
      assert.equal(answer?.status, 413);
    }
  });

  test("a body without a length is none (section 6.3)", async () => {
    const [answer] = answers(await raw(server.url, text("POST", path)));
    assert.equal(answer.status, 200);
    assert.ok(JSON.parse(answer.body).version);
  });

  describe("in chunks", () => {
    const params = JSON.stringify({ channel: "", text: "in chunks" });
    const body = () => JSON.stringify({ channel, text: "in chunks" });
    const send = (chunks, more = {}) =>
      text("POST", `${API}message.send`, { "Content-Type": "application/json", ...auth(), "Transfer-Encoding": "chunked", ...more }, chunks);

    test("it is taken, with extensions and trailers, and the connection ends with the answer", async () => {
      const b = body();
      const chunks = `${b.slice(0, 5).length.toString(16)};a="b"\r\n${b.slice(0, 5)}\r\n00${(b.length - 5).toString(16).toUpperCase()}\r\n${b.slice(5)}\r\n0\r\nX-Sum: 1\r\n\r\n`;
      const [answer] = answers(await raw(server.url, send(chunks)));
      assert.equal(answer.status, 200);
      assert.equal(JSON.parse(answer.body).message.text, "in chunks");
      assert.equal(answer.headers.connection, "close");
    });

    test("it is taken byte by byte", async () => {
      const connection = new Raw(server.url);
      const b = body();
      await connection.connected;
      for (const byte of Buffer.from(send(`${b.length.toString(16)}\r\n${b}\r\n0\r\n\r\n`))) {
        await new Promise((resolve) => connection.socket.write(Buffer.from([byte]), resolve));
      }
      await connection.ended;
      assert.equal(answers(connection.data.toString())[0].status, 200);
    });

    const broken = {
      "a size that is no number": "x\r\n",
      "a size without digits": "\r\n{}\r\n0\r\n\r\n",
      "a negative size": "-2\r\n{}\r\n0\r\n\r\n",
      "a size with 0x": "0x2\r\n{}\r\n0\r\n\r\n",
      "a size of many digits": "000000002\r\n{}\r\n0\r\n\r\n",
      "a line that ends with LF only": "2\n{}\n0\n\n",
      "more data than the size says": `2\r\n${params}\r\n0\r\n\r\n`,
      "extensions without end": `2;${"x".repeat(5000)}\r\n{}\r\n0\r\n\r\n`,
      "trailers without end": `2\r\n{}\r\n0\r\n${"X: y\r\n".repeat(1000)}\r\n`,
    };
    for (const [what, chunks] of Object.entries(broken)) {
      test(`${what}: 400, and nothing is carried out`, async () => {
        const [answer, ...more] = answers(await raw(server.url, send(chunks)));
        isProblem(answer, 400, "invalid_request");
        assert.deepEqual(more, []);
      });
    }

    test("too much of it is refused with 413 by the size of the chunk", async () => {
      const [answer] = answers(await raw(server.url, send("fffffff\r\n")));
      isProblem(answer, 413, "too_large");
    });

    test("too much of it in small chunks is refused with 413", async () => {
      const [answer] = answers(await raw(server.url, send(`1000\r\n${"x".repeat(4096)}\r\n`.repeat(17))));
      isProblem(answer, 413, "too_large");
    });

    test("HTTP that has no type is refused with 415", async () => {
      const [answer] = answers(await raw(server.url, send("2\r\n{}\r\n0\r\n\r\n", { "Content-Type": "text/plain" })));
      isProblem(answer, 415, "invalid_request");
    });
  });

  test("requests that are sent at once are answered in their order", async () => {
    const all = [
      post("message.send", { channel, text: "first" }),
      text("GET", `${API}message.history?channel=${channel}&limit=1`, auth()),
      text("GET", "/healthz"),
      text("POST", `${API}auth.sessions`, { "Content-Length": 0, ...auth() }),
      text("GET", "/healthz"),
      text("GET", `${API}server.explode`),
      text("GET", `${API}server.info`),
    ];
    const got = await ask(all.join(""), all.length);
    assert.deepEqual(got.map((a) => a.status), [200, 200, 200, 200, 200, 404, 200]);
    assert.equal(JSON.parse(got[0].body).message.text, "first");
    assert.equal(JSON.parse(got[1].body).messages[0].text, "first");
    assert.equal(got[2].body, "ok\n");
    assert.ok(JSON.parse(got[3].body).sessions);
    assert.ok(JSON.parse(got[6].body).version);
  });

  const sent = async (what) => {
    const { messages } = await must(server.url, "message.history", { channel, limit: 200 }, ann.token);
    return messages.filter((m) => m.text === what).length;
  };
  for (const [what, first] of [["GET", () => text("GET", `${API}server.info`)], ["POST", () => post("message.send", { channel, text: "once, please" })]]) {
    test(`a body behind a ${what} that is not answered yet ends the connection, and is not carried out`, async () => {
      const before = await sent("once, please");
      for (let i = 0; i < 20; i++) {
        const all = first() + post("message.send", { channel, text: `behind ${what}` }) + text("GET", "/healthz");
        const got = answers(await raw(server.url, all));
        assert.deepEqual(got.map((a) => a.status), [200]);
      }
      assert.equal(await sent(`behind ${what}`), 0);
      assert.equal(await sent("once, please"), before + (what === "POST" ? 20 : 0));
      for (let i = 0; i < 8; i++) assert.equal((await request(server.url, "/healthz")).status, 200); // on every worker
    });
  }

  test("a body that comes after the answer is taken, request after request", async () => {
    const connection = new Raw(server.url);
    for (let i = 1; i <= 50; i++) {
      connection.write(post("message.send", { channel, text: "after the answer" }));
      await connection.until(`answer ${i}`, (c) => answers(c.data.toString()).filter((a) => a.status === 200 && a.body.endsWith("}}")).length === i);
    }
    connection.destroy();
    assert.equal(await sent("after the answer"), 50);
  });

  test("a body that comes after a large answer, read slowly, is taken", async () => {
    for (let i = 0; i < 100; i++) await must(server.url, "message.send", { channel, text: "x".repeat(16_000) }, ann.token);
    const connection = new Raw(server.url);
    await connection.connected;
    connection.socket.pause();
    connection.write(text("GET", `${API}message.history?channel=${channel}&limit=200`, auth()));
    await eventually("the answer waits", async () => (await metrics(server.url))["parley_sent_bytes_total"] > 1_600_000);
    connection.socket.resume();
    await connection.until("all of it", (c) => {
      const end = c.data.indexOf("\r\n\r\n");
      return end > 0 && c.data.length === end + 4 + Number(/Content-Length: (\d+)/.exec(c.data.subarray(0, end))[1]);
    });
    connection.data = Buffer.alloc(0);
    connection.write(post("message.send", { channel, text: "after all of it" }));
    await connection.until("the next answer", (c) => answers(c.data.toString()).some((a) => a.status === 200 && a.body.endsWith("}}")));
    connection.destroy();
  });

  test("two hundred requests that are sent at once are all answered", async () => {
    const got = await ask(text("GET", `${API}server.info`).repeat(200), 200);
    assert.equal(got.filter((a) => a.status === 200).length, 200);
  });

  test("a request behind one that waits ends the connection: it is answered elsewhere, and costs nothing", async () => {
    const { channel: seen } = await must(server.url, "channel.get", { channel }, ann.token);
    const params = { stream: `c:${channel}`, epoch: seen.epoch, after: seen.seq, wait_ms: 30_000 };
    const used = cpuSeconds(server.pid);
    const since = performance.now();
    for (const wait of [post("stream.events", params), text("GET", `${API}stream.events?${new URLSearchParams(params)}`, auth())]) {
      for (let i = 0; i < 5; i++) assert.equal(await raw(server.url, wait + text("GET", `${API}server.info`)), "");
    }
    const seconds = (performance.now() - since) / 1000;
    assert.ok(seconds < 25, `${seconds} s`);
    assert.ok(cpuSeconds(server.pid) - used < 0.3 + seconds / 2, `${cpuSeconds(server.pid) - used} s of CPU in ${seconds} s`);
  });

  test("a request that is sent while one waits is answered after it, and costs nothing meanwhile", async () => {
    const { channel: seen } = await must(server.url, "channel.get", { channel }, ann.token);
    const wait = post("stream.events", { stream: `c:${channel}`, epoch: seen.epoch, after: seen.seq, wait_ms: 3000 });
    const received = async () => (await metrics(server.url)).parley_received_bytes_total;
    const before = await received();
    const connection = new Raw(server.url);
    connection.write(wait);
    await eventually("the request's arrival", async () => (await received()) > before);
    const used = cpuSeconds(server.pid);
    connection.write(text("GET", `${API}server.info`));
    const [first, second] = await connection.until("both", (c) => {
      const all = answers(c.data.toString());
      return all.length === 2 && all[1].body.endsWith("}") && all;
    });
    connection.destroy();
    assert.deepEqual(JSON.parse(first.body).events, []);
    assert.ok(JSON.parse(second.body).version);
    assert.ok(cpuSeconds(server.pid) - used < 1.5, `${cpuSeconds(server.pid) - used} s of CPU in 3 s of waiting`);
  });

  test("Expect: 100-continue is answered before the body, once", async () => {
    const connection = new Raw(server.url);
    const body = JSON.stringify({ channel, text: "expected" });
    connection.write(text("POST", `${API}message.send`, json(body, { ...auth(), Expect: "100-continue" })));
    await connection.until("100", (c) => c.data.toString() === "HTTP/1.1 100 Continue\r\n\r\n");
    connection.write(body);
    const sent = await connection.until("200", (c) => answers(c.data.toString()).find((a) => a.status === 200 && a.body.endsWith("}}")));
    assert.equal(JSON.parse(sent.body).message.text, "expected");
    connection.write(text("GET", `${API}server.info`));
    await connection.until("the next answer", (c) => answers(c.data.toString()).filter((a) => a.status === 200).length === 2);
    connection.destroy();
  });

  test("Expect: 100-continue of what is refused is answered with the refusal alone", async () => {
    const head = text("POST", `${API}message.send`, { ...json(""), "Content-Length": 1e9, Expect: "100-continue", ...auth() });
    assert.deepEqual(answers(await raw(server.url, head)).map((a) => a.status), [413]);
    const other = text("POST", `${API}message.send`, { "Content-Type": "text/plain", "Content-Length": 2, Expect: "100-continue", ...auth() });
    assert.deepEqual(answers(await raw(server.url, other)).map((a) => a.status), [415]);
  });
});

describe("methods and types", () => {
  for (const { name, get: reads } of commands) {
    test(`${name} allows ${reads ? "GET, HEAD and POST" : "POST"}`, async () => {
      const allow = reads ? "GET, HEAD, POST, OPTIONS" : "POST, OPTIONS";
      const options = await request(server.url, API + name, { method: "OPTIONS" });
      assert.equal(options.status, 204);
      assert.equal(options.headers.allow, allow);
      for (const method of ["PUT", "PATCH", "DELETE", ...(reads ? [] : ["GET", "HEAD"])]) {
        const answer = await request(server.url, API + name, { method });
        assert.equal(answer.status, 405, method);
        assert.equal(answer.headers.allow, allow);
        if (method !== "HEAD") isProblem(answer, 405, "invalid_request");
      }
      if (reads) assert.notEqual((await request(server.url, API + name)).status, 405);
    });
  }

  test("only commands that change nothing allow GET", () => {
    const reads = commands.filter((c) => c.get).map((c) => c.name);
    assert.deepEqual(reads.filter((name) => !/\.(get|list|history|failures|events|info|stats|members|sessions|nodes|job)$/.test(name)), []);
    assert.ok(reads.includes("message.history"));
  });

  test("an unknown command is 404 with every method", async () => {
    for (const method of ["GET", "POST", "DELETE"]) {
      isProblem(await request(server.url, `${API}server.explode`, { method }), 404, "unknown_command");
    }
  });

  test("a command that does not exist leaves the connection open for the next request", async () => {
    const got = await ask(text("GET", `${API}server.explode`) + text("GET", `${API}server.info`), 2);
    assert.deepEqual(got.map((a) => a.status), [404, 200]);
  });

  const types = { "text/plain": 415, "application/jsonx": 415, "application/json": 200, "Application/JSON; charset=utf-8": 200 };
  for (const [type, status] of Object.entries(types)) {
    test(`a body of ${type} is answered with ${status}`, async () => {
      const [answer] = await ask(post("server.info", {}, { "Content-Type": type }));
      assert.equal(answer.status, status);
    });
  }
  test("a compressed body is refused with 415 and what would do", async () => {
    const [answer] = await ask(post("server.info", {}, { "Content-Encoding": "gzip" }));
    isProblem(answer, 415, "invalid_request");
    assert.equal(answer.headers["accept-encoding"], "identity");
  });

  const accepts = {
    "*/*": 200, "application/json": 200, "application/*": 200, "text/html, application/json;q=0.1": 200, "": 200,
    "text/html": 406, "application/json;q=0, */*": 406, "application/xml;q=0.9": 406, "text/html, */*;q=0.8": 200,
  };
  for (const [accept, status] of Object.entries(accepts)) {
    test(`Accept: ${accept || "(empty)"} is answered with ${status}`, async () => {
      assert.equal((await get("server.info", {}, { Accept: accept })).status, status);
      const [answer] = await ask(post("message.send", { channel, text: `for ${accept}` }, { Accept: accept }));
      assert.equal(answer.status, status);
      const { messages } = await must(server.url, "message.history", { channel, limit: 1 }, ann.token);
      assert.equal(messages[0].text === `for ${accept}`, status === 200, "what is refused is not carried out");
    });
  }
});

describe("reading with GET", () => {
  const asks = () => ({
    "server.info": {},
    "message.history": { channel, limit: 3, before: 6 },
    "channel.get": { channel: "#plans" },
    "channel.list": { query: "pl", limit: 5 },
    "channel.members": { channel },
    "user.get": { user: "@ann" },
    "presence.get": { users: [ann.id, ann.id] },
    "stream.events": { stream: `c:${channel}`, epoch: "", after: 0 },
    "auth.sessions": {},
    "admin.user.list": {},
  });

  test("it gives what POST gives", async () => {
    const { channel: seen } = await must(server.url, "channel.get", { channel }, ann.token);
    for (const [command, params] of Object.entries({ ...asks(), "stream.events": { stream: `c:${channel}`, epoch: seen.epoch, after: 0, limit: 2 } })) {
      const answer = await get(command, params);
      assert.equal(answer.status, 200, `${command}: ${answer.body}`);
      assert.equal(answer.headers["content-type"], "application/json");
      assert.equal(answer.headers["cache-control"], "private, no-cache");
      const same = await must(server.url, command, params, ann.token);
      const still = (o) => JSON.stringify(o).replace(/"(last_seen_at|last_active_at|uptime_s)":[^,}]+/g, "");
      assert.equal(still(JSON.parse(Buffer.from(answer.body, "latin1").toString("utf8"))), still(same), command);
    }
  });

  test("every parameter of every command is checked as with POST", async () => {
    for (const { name, params } of commands.filter((c) => c.get)) {
      for (const bad of [{ surprise: "1" }, ...params.map((p) => ({ [p.name]: "\u0001".repeat(300) }))]) {
        const answer = await get(name, bad);
        const problem = isProblem(answer, 422, "invalid_params");
        const [field] = Object.keys(bad);
        assert.equal(problem.field.split("[")[0], field, `${name}: ${answer.body}`);
      }
    }
  });

  const bad = {
    "limit=ten": "limit", "limit=1.5": "limit", "limit=01": "limit", "limit=": "limit", "limit": "limit", "limit=0": "limit",
    "limit=9223372036854775808": "limit", "limit=-1": "limit", "limit=1&limit=2": "limit", "channel=%ff": "query", "surprise=1": "surprise",
    [`${"x".repeat(100)}=1`]: "query",
  };
  for (const [query, field] of Object.entries(bad)) {
    test(`?${query.slice(0, 40)} is refused by the name of the parameter`, async () => {
      const answer = await request(server.url, `${API}message.history?channel=${channel}&${query}`, { headers: auth() });
      const problem = isProblem(answer, 422, "invalid_params");
      if (!query.startsWith("channel")) assert.equal(problem.field, field, answer.body);
    });
  }

  test("an empty query, or an empty argument, is none", async () => {
    for (const query of ["?", "?&", "?&&"]) assert.equal((await request(server.url, `${API}server.info${query}`)).status, 200, query);
  });

  test("a text with signs in it arrives as it was", async () => {
    await must(server.url, "user.update", { display_name: "Ann & Bob = 100% +" }, ann.token);
    const { users } = JSON.parse((await get("user.list", { query: "& Bob = 100% +" })).body);
    assert.deepEqual(users.map((u) => u.id), [ann.id]);
  });

  test("who is not signed in is told so; the session cookie counts, but not for other pages", async () => {
    const path = `${API}message.history?channel=${channel}`;
    const none = await request(server.url, path);
    isProblem(none, 401, "unauthenticated");
    assert.equal(none.headers["www-authenticate"], "Bearer");
    const Cookie = `parley_session=${ann.token}`;
    const status = async (headers) => (await request(server.url, path, { headers: { Cookie, ...headers } })).status;
    assert.equal(await status({}), 200);
    assert.equal(await status({ "Sec-Fetch-Site": "same-origin" }), 200);
    assert.equal(await status({ Origin: server.url }), 200);
    assert.equal(await status({ "Sec-Fetch-Site": "cross-site" }), 403);
    assert.equal(await status({ "Sec-Fetch-Site": "same-site" }), 403);
    assert.equal(await status({ Origin: "https://elsewhere.example" }), 403);
    assert.equal(await status({ Origin: "null" }), 403);
  });

  test("with its ETag it is read again only when something has changed", async () => {
    const query = { channel, limit: 50 };
    const first = await get("message.history", query);
    assert.match(first.headers.etag, /^W\/"[0-9a-f]{32}"$/);
    const again = await get("message.history", query, { "If-None-Match": first.headers.etag });
    assert.equal(again.status, 304);
    assert.equal(again.body, "");
    assert.equal(again.headers["content-length"], undefined);
    assert.equal(again.headers.etag, first.headers.etag);
    assert.equal(again.headers["cache-control"], "private, no-cache");
    for (const header of ["*", `"x", ${first.headers.etag}`, first.headers.etag.slice(2)]) {
      assert.equal((await get("message.history", query, { "If-None-Match": header })).status, 304, header);
    }
    await must(server.url, "message.send", { channel, text: "news" }, ann.token);
    const changed = await get("message.history", query, { "If-None-Match": first.headers.etag });
    assert.equal(changed.status, 200);
    assert.notEqual(changed.headers.etag, first.headers.etag);
    const { messages } = JSON.parse(changed.body);
    await must(server.url, "message.edit", { message: messages.at(-1).id, text: "other news" }, ann.token);
    const edited = await get("message.history", query, { "If-None-Match": changed.headers.etag });
    assert.equal(edited.status, 200);
    assert.equal(JSON.parse(edited.body).messages.at(-1).text, "other news");
  });

  test("a 304 keeps the connection: the next request is answered", async () => {
    const { headers } = await get("server.info");
    const path = `${API}server.info`;
    const got = await ask(text("GET", path, { "If-None-Match": headers.etag }) + text("GET", path), 2);
    assert.deepEqual(got.map((a) => a.status), [304, 200]);
  });

  test("an error has no ETag and is not kept", async () => {
    const answer = await get("message.history", { channel: "nosuchthing" });
    isProblem(answer, 404, "not_found");
    assert.equal(answer.headers.etag, undefined);
    assert.equal(answer.headers["cache-control"], "no-store");
  });

  test("HEAD has the headers of GET and no body", async () => {
    const query = { channel, limit: 20 };
    const whole = await get("message.history", query);
    const head = await get("message.history", query, {}, "HEAD");
    assert.equal(head.status, 200);
    assert.equal(head.body, "");
    for (const name of ["content-type", "content-length", "etag", "cache-control"]) assert.equal(head.headers[name], whole.headers[name], name);
    assert.equal((await get("message.history", query, { "If-None-Match": whole.headers.etag }, "HEAD")).status, 304);
    const missing = await get("message.history", {}, {}, "HEAD");
    assert.equal(missing.status, 422);
    assert.equal(missing.body, "");
    assert.ok(Number(missing.headers["content-length"]) > 0);
  });
});

describe("the id of a request", () => {
  test("one that is sane comes back, in the answer and in the problem", async () => {
    for (const id of ["a", "7f3c-22", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "A/b+c=:@._~"]) {
      assert.equal((await get("server.info", {}, { "X-Request-Id": id })).headers["x-request-id"], id);
      const problem = isProblem(await get("message.history", {}, { "X-Request-Id": id }), 422, "invalid_params");
      assert.equal(problem.request_id, id);
      isProblem(await request(server.url, `${API}message.send`, { method: "PUT", headers: { "X-Request-Id": id } }), 405, "invalid_request");
    }
  });

  test("for any other a new one is made, never twice the same", async () => {
    const seen = new Set();
    for (const id of [undefined, "", "x".repeat(65), "a b", "a\tb", 'a"b', "\u00e9", "<script>", "a,b"]) {
      const { headers } = await get("server.info", {}, id === undefined ? {} : { "X-Request-Id": id });
      assert.match(headers["x-request-id"], /^[0-9a-z]{26}$/, String(id));
      seen.add(headers["x-request-id"]);
    }
    assert.equal(seen.size, 9);
  });

  test("it is in the log", async () => {
    const noisy = await start({ env: { PARLEY_LOG_LEVEL: "debug" } });
    await request(noisy.url, `${API}server.info`, { headers: { "X-Request-Id": "find-me-1" } });
    await request(noisy.url, `${API}server.info`, { method: "DELETE", headers: { "X-Request-Id": "find-me-2" } });
    await noisy.stop();
    assert.match(noisy.log(), /find-me-1/);
    assert.match(noisy.log(), /find-me-2/);
  });
});

describe("when it is too much", () => {
  test("429 says when to come again, in the header as in the body", async () => {
    const strict = await start({ env: { PARLEY_RATE_READ: "1", PARLEY_RATE_READ_BURST: "2" } });
    const got = await raw(strict.url, text("GET", `${API}server.info`).repeat(4), { until: (all) => answers(all).length === 4 });
    await strict.stop();
    const [, , limited] = answers(got);
    const problem = isProblem(limited, 429, "rate_limited");
    assert.equal(limited.headers["retry-after"], String(Math.ceil(problem.retry_after_ms / 1000)));
  });
});

describe("a client that waits", () => {
  const waitFor = async (ms) => {
    const { channel: seen } = await must(server.url, "channel.get", { channel }, ann.token);
    return { stream: `c:${channel}`, epoch: seen.epoch, after: seen.seq, wait_ms: ms };
  };

  test("is not cut off by handshake_timeout_ms, with POST, GET or chunks", async () => {
    const params = await waitFor(4000); // the time-out is one second here
    const body = JSON.stringify(params);
    const chunks = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    const all = await Promise.all([
      ask(post("stream.events", params)),
      ask(text("GET", `${API}stream.events?${new URLSearchParams(params)}`, auth())),
      ask(text("POST", `${API}stream.events`, { ...auth(), "Content-Type": "application/json", "Transfer-Encoding": "chunked" }, chunks)),
    ]);
    for (const [answer] of all) {
      assert.equal(answer?.status, 200);
      assert.deepEqual(JSON.parse(answer.body).events, []);
    }
  });

  test("and hangs up is noticed, and costs nothing until then", async () => {
    const connections = async () => (await metrics(server.url)).parley_connections;
    const before = await connections();
    const bytes = post("stream.events", await waitFor(30_000));
    const all = Array.from({ length: 20 }, () => new Raw(server.url));
    await Promise.all(all.map((c) => c.connected));
    for (const c of all) c.write(bytes);
    assert.ok((await connections()) >= before);
    const used = cpuSeconds(server.pid);
    const since = performance.now();
    for (const c of all.slice(0, 10)) c.socket.destroy(); // a reset, or a FIN
    for (const c of all.slice(10)) c.socket.end();
    while ((await connections()) > before + 1) assert.ok(performance.now() - since < 20_000, "they are still there");
    const share = (cpuSeconds(server.pid) - used) / ((performance.now() - since) / 1000);
    assert.ok(share < 1.6, `${share} of a CPU while they hung`);
  });
});
