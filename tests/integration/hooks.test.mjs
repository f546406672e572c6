// Webhooks and slash commands: how they are managed, and what programs post to incoming ones. On a data directory, and on
// MongoDB where a server is named.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Client } from "../lib/client.mjs";
import { database } from "../lib/mongo.mjs";
import { call, start, temporaryFolder } from "../lib/parleyd.mjs";
import { must, register } from "../lib/people.mjs";
import { raw, request } from "../lib/raw_http.mjs";
import { schema as described } from "../lib/schema.mjs";

const stores = ["sqlite", ...(process.env.PARLEY_TEST_MONGO ? ["mongodb"] : [])];
const schema = described();

for (const store of stores) {
  describe(`on ${store}`, () => {
    let server;
    let db;
    let owner;
    let serial = 0;

    const serve = async (options = {}) => start({ ...options, args: [...(db ? ["--store", db.uri] : []), ...(options.args ?? [])] });

    before(async () => {
      if (store === "mongodb") db = await database();
      server = await serve({ env: { PARLEY_LOG_LEVEL: "debug" } });
      owner = await register(server.url, "owner");
    });
    after(async () => {
      await server?.stop();
      await db?.drop();
    });

    /** A channel with a webhook: { channel, hook, secret, path, url }. */
    async function hooked(params = {}, on = server) {
      serial += 1;
      const { channel } = await must(on.url, "channel.create", { name: `room-${serial}` }, owner.token);
      const made = await must(
        on.url,
        "hook.create",
        { kind: "incoming", channel: channel.id, name: "Builder", ...params },
        owner.token,
      );
      return { channel: channel.id, ...made, url: made.path && on.url + made.path };
    }

    const json = (url, payload, headers = {}) =>
      fetch(url, {
        method: "POST",
        headers: { "Content-Type": "application/json", ...headers },
        body: typeof payload === "string" ? payload : JSON.stringify(payload),
      });
    const form = (url, fields) => fetch(url, { method: "POST", body: new URLSearchParams(fields) });
    const history = async (channel, on = server) =>
      (await must(on.url, "message.history", { channel }, owner.token)).messages.map((message) => {
        assert.deepEqual(schema.result("message.get", { message }), []);
        return message;
      });
    const texts = async (channel) => (await history(channel)).map(({ text }) => text);

    /** That RESPONSE is a problem; its detail. */
    async function problem(response, status, type) {
      const body = await response.json();
      assert.deepEqual([response.status, body.type], [status, type], JSON.stringify(body));
      assert.equal(response.headers.get("content-type"), "application/problem+json");
      return body.detail;
    }

    test("a post is a message of the webhook's bot, stored when the answer is ok", async () => {
      const { channel, hook, url } = await hooked();
      const socket = await Client.open(server.url, { token: owner.token });
      const response = await json(url, { text: "Build <https://ci.example/7|7> *passed*" });
      assert.deepEqual([response.status, await response.text()], [200, "ok"]);
      assert.equal(response.headers.get("content-type"), "text/plain; charset=utf-8");
      const [message] = await history(channel);
      assert.equal(message.text, "Build 7 (https://ci.example/7) **passed**");
      assert.equal(message.author, hook.bot);
      assert.equal(message.as, undefined);
      const event = await socket.event("message.created", ({ message: { id } }) => id === message.id);
      assert.equal(event.params.message.text, message.text);
      const { user } = await must(server.url, "user.get", { user: hook.bot }, owner.token);
      assert.deepEqual([user.bot, user.display_name, user.owner], [true, "Builder", owner.id]);
      await socket.close();
    });

    test("a form has a payload, or the fields themselves", async () => {
      const { channel, url } = await hooked();
      assert.equal((await form(url, { payload: JSON.stringify({ text: "a & b" }) })).status, 200);
      assert.equal((await form(url, { text: "c + d = é", username: "Curl" })).status, 200);
      const messages = await history(channel);
      assert.deepEqual(messages.map(({ text }) => text), ["a & b", "c + d = é"]);
      assert.deepEqual(messages[1].as, { name: "Curl" });
    });

    test("blocks and attachments are readable text", async () => {
      const { channel, url } = await hooked();
      const blocks = [
        { type: "header", text: { type: "plain_text", text: "Deploy" } },
        { type: "section", text: { type: "mrkdwn", text: "to *production*" }, fields: [{ type: "mrkdwn", text: "by <@U1|ann>" }] },
        { type: "divider" },
        { type: "context", elements: [{ type: "image", alt_text: "logo" }, { type: "mrkdwn", text: "CI" }] },
        { type: "actions", elements: [{ type: "button", text: { type: "plain_text", text: "Undo" } }] },
      ];
      const attachments = [
        { fallback: "f", pretext: "Also", title: "Run", title_link: "https://ci.example", fields: [{ title: "Took", value: "2 min" }], footer: "end" },
      ];
      assert.equal((await json(url, { text: "not shown", blocks, attachments })).status, 200);
      assert.deepEqual(await texts(channel), [
        "**Deploy**\nto **production**\nby @ann\n---\nlogo CI\nAlso\n**Run** (https://ci.example)\nTook: 2 min\nend",
      ]);
    });

    test("who posts can say how it is to be shown, in events and history, until it is deleted", async () => {
      const { channel, url } = await hooked({ icon: ":gear:" });
      const socket = await Client.open(server.url, { token: owner.token });
      await json(url, { text: "one", username: "Deploy Bot", icon_emoji: ":ship:" });
      await json(url, { text: "two" });
      const messages = await history(channel);
      assert.deepEqual(
        messages.map((message) => message.as),
        [{ name: "Deploy Bot", icon: ":ship:" }, { icon: ":gear:" }],
      );
      const event = await socket.event("message.created", ({ message }) => message.id === messages[0].id);
      assert.deepEqual(event.params.message.as, { name: "Deploy Bot", icon: ":ship:" });
      await must(server.url, "message.delete", { message: messages[0].id }, owner.token);
      const { message } = await must(server.url, "message.get", { message: messages[0].id }, owner.token);
      assert.deepEqual([message.as, message.text], [undefined, undefined]);
      await socket.close();
    });

    test("a post with the same Idempotency-Key is one message", async () => {
      const { channel, url } = await hooked();
      for (let i = 0; i < 3; i += 1) assert.equal((await json(url, { text: "once" }, { "Idempotency-Key": "run 7" })).status, 200);
      assert.equal((await json(url, { text: "twice", client_msg_id: "run 8" })).status, 200);
      assert.equal((await json(url, { text: "twice", client_msg_id: "run 8" })).status, 200);
      assert.deepEqual(await texts(channel), ["once", "twice"]);
      for (const key of ["", "x".repeat(65), "\u00e9"]) {
        assert.match(await problem(await json(url, { text: "x" }, { "Idempotency-Key": key }), 400, "invalid_request"), /Idempotency-Key/);
      }
    });

    test("nobody can post who does not know all of the address", async () => {
      const { channel, hook, secret } = await hooked();
      const other = await hooked();
      const wrong = [
        `/hooks/${hook.id}/${"x".repeat(secret.length)}`,
        `/hooks/${hook.id}/${other.secret}`,
        `/hooks/${other.hook.id}/${secret}`,
        `/hooks/${hook.id}/${secret.slice(1)}`,
        `/hooks/${hook.id}/${secret}/`,
        `/hooks/${hook.id}`,
        `/hooks/${hook.id}/`,
        `/hooks//${secret}`,
        "/hooks/",
        `/hooks/${"a".repeat(100)}/${secret}`,
      ];
      for (const path of wrong) await problem(await json(server.url + path, { text: "x" }), 404, "not_found");
      assert.deepEqual(await texts(channel), []);
      const outgoing = await hooked({ kind: "outgoing", url: "https://hook.example/" });
      await problem(await json(`${server.url}/hooks/${outgoing.hook.id}/${outgoing.secret}`, { text: "x" }), 404, "not_found");
    });

    test("what is no payload is refused with a reason, and nothing is sent", async () => {
      const { channel, url } = await hooked();
      const bad = [
        ["{", /ends too early/],
        ["[]", /must be an object/],
        ["{}", /no text/],
        [{ text: "  " }, /no text/],
        [{ text: 7 }, /text that is no string/],
        [{ text: "x", attachments: "y" }, /attachments that are no list/],
        ['{"text":"a\\u0000b"}', /NUL/],
        ["[".repeat(40) + "]".repeat(40), /too deeply/],
        ['{"text":"a","text":"b"}', /same key twice/],
      ];
      for (const [payload, reason] of bad) assert.match(await problem(await json(url, payload), 400, "invalid_request"), reason);
      assert.match(await problem(await form(url, { payload: "{" }), 400, "invalid_request"), /ends too early/);
      const typeless = await fetch(url, { method: "POST", body: "text=%ff", headers: { "Content-Type": "application/x-www-form-urlencoded" } });
      assert.match(await problem(typeless, 400, "invalid_request"), /percent-encoded/);
      const plain = await fetch(url, { method: "POST", body: "hello" });
      assert.match(await problem(plain, 415, "invalid_request"), /Content-Type/);
      const packed = await json(url, { text: "x" }, { "Content-Encoding": "gzip" });
      assert.match(await problem(packed, 415, "invalid_request"), /compressed/);
      await problem(await fetch(url, { method: "POST" }), 400, "invalid_request");
      const large = await json(url, { text: "x".repeat(70_000) });
      assert.match(await problem(large, 413, "too_large"), /frame_bytes/);
      const got = await fetch(url);
      await problem(got, 405, "invalid_request");
      assert.equal(got.headers.get("allow"), "POST");
      assert.deepEqual(await texts(channel), []);
    });

    test("what is too long for a message ends with an ellipsis", async () => {
      const { channel, url } = await hooked();
      assert.equal((await json(url, { text: "é".repeat(10_000) })).status, 200);
      const [text] = await texts(channel);
      assert.ok(Buffer.byteLength(text) <= 16_384 && text.endsWith("é…"));
    });

    test("a post may come in chunks, and wait for 100", async () => {
      const { channel, path } = await hooked();
      const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n`;
      const chunks = '6\r\n{"text\r\n8\r\n":"here"\r\n1\r\n}\r\n0\r\n\r\n';
      assert.match(await raw(server.url, `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}`), /^HTTP\/1\.1 200 [^]*\r\n\r\nok$/);
      const body = '{"text":"there"}';
      const waited = await raw(server.url, `${head}Expect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      assert.match(waited, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 [^]*\r\n\r\nok$/);
      assert.match(await raw(server.url, `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`), /^HTTP\/1\.1 400 /);
      assert.deepEqual(await texts(channel), ["here", "there"]);
    });

    test("one connection takes one post after the other, good or bad", async () => {
      const { channel, path } = await hooked();
      const post = (body) =>
        `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
      let answers = 0;
      const bodies = ['{"text":"1"}', "{", '{"text":"2"}'];
      const { connect } = await import("node:net");
      const { hostname, port } = new URL(server.url);
      const statuses = await new Promise((resolve, reject) => {
        const seen = [];
        const socket = connect(Number(port), hostname, () => socket.write(post(bodies[0])));
        socket.on("error", reject).on("data", (data) => {
          seen.push(Number(String(data).slice(9, 12)));
          answers += 1;
          if (answers < bodies.length) socket.write(post(bodies[answers]));
          else socket.end(() => resolve(seen));
        });
      });
      assert.deepEqual(statuses, [200, 400, 200]);
      assert.deepEqual(await texts(channel), ["1", "2"]);
    });

    test("a webhook that is disabled, rotated or deleted takes no posts", async () => {
      const { channel, hook, url } = await hooked();
      await must(server.url, "hook.update", { hook: hook.id, enabled: false }, owner.token);
      assert.match(await problem(await json(url, { text: "x" }), 403, "forbidden"), /disabled/);
      await must(server.url, "hook.update", { hook: hook.id, enabled: true, name: "Renamed" }, owner.token);
      assert.equal((await json(url, { text: "again" })).status, 200);
      const rotated = await must(server.url, "hook.rotate", { hook: hook.id }, owner.token);
      await problem(await json(url, { text: "x" }), 404, "not_found");
      assert.equal((await json(server.url + rotated.path, { text: "by the new address" })).status, 200);
      await must(server.url, "channel.remove", { channel, user: hook.bot }, owner.token);
      assert.match(await problem(await json(server.url + rotated.path, { text: "x" }), 403, "forbidden"), /taken out/);
      await must(server.url, "channel.invite", { channel, user: hook.bot }, owner.token);
      await must(server.url, "hook.delete", { hook: hook.id }, owner.token);
      await problem(await json(server.url + rotated.path, { text: "x" }), 404, "not_found");
      assert.deepEqual(await texts(channel), ["again", "by the new address"]);
      const { hooks } = await must(server.url, "hook.list", { channel }, owner.token);
      assert.deepEqual(hooks, []);
    });

    test("an archived channel takes no posts, a deleted one has no webhooks", async () => {
      const { channel, url } = await hooked();
      await must(server.url, "channel.archive", { channel }, owner.token);
      assert.match(await problem(await json(url, { text: "x" }), 409, "conflict"), /archived/);
      await must(server.url, "admin.channel.delete", { channel }, owner.token);
      await problem(await json(url, { text: "x" }), 404, "not_found");
    });

    test("a webhook is as disabled as its creator", async () => {
      const ann = await register(server.url, `ann-${store}`);
      const { channel } = await must(server.url, "channel.create", { name: `anns-${store}` }, ann.token);
      const { path } = await must(server.url, "hook.create", { kind: "incoming", channel: channel.id, name: "x" }, ann.token);
      assert.equal((await json(server.url + path, { text: "x" })).status, 200);
      await must(server.url, "admin.user.disable", { user: ann.id, disabled: true }, owner.token);
      assert.match(await problem(await json(server.url + path, { text: "x" }), 403, "forbidden"), /disabled/);
    });

    test("the list shows what there is, and no secret", async () => {
      const { channel, hook, secret } = await hooked({ icon: ":gear:" });
      const url = "https://hook.example/x";
      const out = await must(server.url, "hook.create", { kind: "outgoing", channel, name: "Out", url, trigger: "go" }, owner.token);
      const slash = await must(server.url, "hook.create", { kind: "slash", channel, name: "Go", url, command: "go" }, owner.token);
      const answer = await must(server.url, "hook.list", { channel }, owner.token);
      assert.deepEqual(answer.hooks.map(({ id }) => id), [hook.id, out.hook.id, slash.hook.id]);
      assert.deepEqual(answer.hooks[1].events, ["message.created"]);
      assert.deepEqual(answer.users.map(({ id }) => id), [owner.id]);
      for (const hidden of [secret, out.secret, slash.secret]) assert.ok(!JSON.stringify(answer).includes(hidden));
      assert.equal(out.path, undefined);
      assert.deepEqual(answer.hooks[2].command, "go");
    });

    test("a token manages hooks with the scope hooks:write, in its channels", async () => {
      const { channel, hook } = await hooked();
      const other = await hooked();
      const token = async (params) => (await must(server.url, "token.create", { name: "t", ...params }, owner.token)).secret;
      const reader = await token({ scopes: ["channels:read"] });
      const writer = await token({ scopes: ["hooks:write"], channels: [channel] });
      assert.equal((await call(server.url, "hook.list", { channel }, reader)).status, 403);
      assert.equal((await call(server.url, "hook.list", { channel }, writer)).body.hooks.length, 1);
      assert.equal((await call(server.url, "hook.rotate", { hook: hook.id }, writer)).status, 200);
      assert.equal((await call(server.url, "hook.rotate", { hook: other.hook.id }, writer)).status, 404);
    });

    test("each webhook has a rate of its own", async () => {
      const limited = await serve({ env: { PARLEY_RATE_HOOK: "1", PARLEY_RATE_HOOK_BURST: "3" } });
      try {
        if (store === "sqlite") await register(limited.url, "owner").then(({ token }) => Object.assign(owner, { limited: token }));
        const token = owner.limited ?? owner.token;
        const make = async (name) => {
          const { channel } = await must(limited.url, "channel.create", { name }, token);
          const { path } = await must(limited.url, "hook.create", { kind: "incoming", channel: channel.id, name: "x" }, token);
          return limited.url + path;
        };
        const [one, two] = [await make("rate-one"), await make("rate-two")];
        const statuses = [];
        let refused;
        for (let i = 0; i < 6; i += 1) {
          const response = await json(one, { text: `${i}` });
          statuses.push(response.status);
          if (response.status === 429) refused = response;
        }
        assert.deepEqual(statuses.slice(0, 3), [200, 200, 200]);
        assert.ok(statuses.includes(429), statuses.join(" "));
        assert.ok(Number(refused.headers.get("retry-after")) >= 1);
        assert.equal((await json(two, { text: "x" })).status, 200);
        const { body } = await request(limited.url, "/metrics");
        assert.match(body, /^parley_hook_posts_total\{outcome="rate_limited"\} [1-9]/m);
        assert.match(body, /^parley_hook_posts_total\{outcome="ok"\} [4-9]/m);
      } finally {
        await limited.stop();
      }
    });

    test("a webhook says when it was used", async () => {
      const { channel, hook, url } = await hooked();
      assert.equal(hook.used_at, undefined);
      await json(url, { text: "x" });
      let used;
      for (const end = Date.now() + 20_000; used === undefined && Date.now() < end; ) {
        const { hooks } = await must(server.url, "hook.list", { channel }, owner.token);
        used = hooks[0].used_at;
      }
      assert.ok(Math.abs(Date.parse(used) - Date.now()) < 60_000);
    });

    test("metrics count what came, and no token is in the log", async () => {
      const { secret, url } = await hooked();
      await json(url, { text: "x" });
      await json(url, "{");
      await json(`${server.url}/hooks/none/${secret}`, { text: "x" });
      const { body } = await request(server.url, "/metrics");
      for (const outcome of ["ok", "duplicate", "invalid", "unknown", "disabled"]) {
        assert.match(body, new RegExp(`^parley_hook_posts_total\\{outcome="${outcome}"\\} [1-9]`, "m"));
      }
      assert.match(server.log(), /webhook post/);
      assert.ok(!server.log().includes(secret));
    });

    if (store === "sqlite") {
      test("what was answered with ok is there after kill -9", async () => {
        const dataDir = temporaryFolder();
        const first = await start({ dataDir });
        const { token } = await register(first.url, "owner");
        const { channel } = await must(first.url, "channel.create", { name: "kept" }, token);
        const { path } = await must(first.url, "hook.create", { kind: "incoming", channel: channel.id, name: "x" }, token);
        const acked = [];
        for (let i = 0; i < 20; i += 1) if ((await json(first.url + path, { text: `${i}` })).status === 200) acked.push(`${i}`);
        await first.kill();
        const second = await start({ dataDir });
        try {
          const { messages } = await must(second.url, "message.history", { channel: channel.id }, token);
          assert.deepEqual(messages.map(({ text }) => text), acked);
          assert.equal((await json(second.url + path, { text: "after" })).status, 200);
        } finally {
          await second.stop();
        }
      });
    } else {
      test("a webhook works on every node of a cluster at once", async () => {
        const { channel, hook, path } = await hooked();
        const other = await serve();
        try {
          const posts = Array.from({ length: 20 }, (_, i) =>
            json((i % 2 === 0 ? server.url : other.url) + path, { text: `${i}` }, { "Idempotency-Key": `n${i}` }),
          );
          for (const { status } of await Promise.all(posts)) assert.equal(status, 200);
          await json(other.url + path, { text: "0" }, { "Idempotency-Key": "n0" });
          assert.deepEqual((await texts(channel)).map(Number).sort((a, b) => a - b), [...Array(20).keys()]);
          await must(other.url, "hook.update", { hook: hook.id, enabled: false }, owner.token);
          await problem(await json(server.url + path, { text: "x" }), 403, "forbidden");
        } finally {
          await other.stop();
        }
      });
    }
  });
}
