// Slash commands against a target of our own: what it is sent, what it may answer at once and later, and what comes of targets that
// fail.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { Client, CommandError } from "../lib/client.mjs";
import { faketimeFile } from "../lib/faketime.mjs";
import { call, start } from "../lib/parleyd.mjs";
import { must, people } from "../lib/people.mjs";
import { eventually } from "../lib/process.mjs";
import { isSigned, startTarget } from "../lib/target.mjs";

const { PARLEY_MODE = "release" } = process.env;
const WAIT_MS = 3000; // that a target has

let server;
let ann;
let ben;
let target;
before(async () => {
  server = await start({ env: { PARLEY_RATE_LIMITS: "off", PARLEY_OUTBOUND_ALLOW: "127.0.0.1" } });
  ({ ann, ben } = await people(server.url, "owner", "ann", "ben"));
  target = await startTarget();
});
after(async () => {
  await server?.stop();
  await target?.stop();
});

let serial = 0;
/** A channel with ann, ben and a slash command /deploy whose target gives ANSWER: what was asked is in `asked`. */
async function scene(answer = { status: 200 }, url) {
  const name = `slash-${++serial}`;
  const path = `/${name}`;
  const as = (who) => (command, params) => must(server.url, command, params, who.token);
  const { channel } = await as(ann)("channel.create", { name });
  await as(ben)("channel.join", { channel: channel.id });
  const made = await as(ann)("hook.create", { kind: "slash", channel: channel.id, name: "Deployer", command: "deploy", url: url ?? target.url(path) });
  answers.set(path, answer);
  target.answer = ({ path: asked }) => answers.get(asked);
  const asked = () => target.requests.filter((r) => r.path === path);
  return {
    ...made,
    channel,
    asked,
    form: () => Object.fromEntries(new URLSearchParams(asked().at(-1).body)),
    run: (text, who = ben) => as(who)("slash.run", { channel: channel.id, command: "deploy", ...(text && { text }) }),
    refused: (params, who = ben) => call(server.url, "slash.run", { channel: channel.id, command: "deploy", ...params }, who.token),
    texts: async () => (await as(ann)("message.history", { channel: channel.id })).messages.map((m) => m.text),
    list: (who = ben) => as(who)("slash.list", { channel: channel.id }),
    reload: async () => (await as(ann)("hook.list", { channel: channel.id })).hooks[0],
  };
}
const answers = new Map();

/** POST to a response URL: { status, body }. */
async function respond(url, body, headers = { "Content-Type": "application/json" }) {
  const response = await fetch(url, { method: "POST", headers, body: typeof body === "string" ? body : JSON.stringify(body) });
  return { status: response.status, body: await response.json() };
}

describe("a command", () => {
  test("is sent as a form that says who, where and what, and is signed", async () => {
    const s = await scene();
    assert.deepEqual(await s.run("api to production & staging"), {});
    const [{ headers, body }] = s.asked();
    const { response_url, trigger_id, ...form } = s.form();
    assert.deepEqual(form, {
      command: "/deploy",
      text: "api to production & staging",
      user_id: ben.id,
      user_name: "ben",
      channel_id: s.channel.id,
      channel_name: s.channel.name,
    });
    assert.ok(response_url.startsWith(`${server.url}/hooks/r/`), response_url);
    assert.equal(headers["parley-delivery"], `${s.hook.id}:${trigger_id}`);
    assert.equal(headers["parley-hook"], s.hook.id);
    assert.equal(headers["content-type"], "application/x-www-form-urlencoded");
    assert.ok(isSigned(s.secret, headers, body));
    assert.deepEqual(await s.texts(), []);
    await eventually("when it was used", async () => (await s.reload()).used_at);
  });

  test("is listed for the members of its channel", async () => {
    const s = await scene();
    assert.deepEqual(await s.list(), { commands: [{ command: "deploy", name: "Deployer" }] });
    await must(server.url, "hook.update", { hook: s.hook.id, enabled: false }, ann.token);
    assert.deepEqual(await s.list(), { commands: [] });
    assert.equal((await s.refused()).body.field, "command");
  });

  test("is for members, and of that channel only", async () => {
    const s = await scene();
    const { body } = await call(server.url, "auth.register", { name: `eve${serial}`, password: "correct horse battery" });
    const eve = { token: body.token };
    assert.equal((await s.refused({}, eve)).status, 403);
    const unknown = await s.refused({ command: "nothing" });
    assert.equal(unknown.status, 404);
    assert.equal(unknown.body.field, "command");
    assert.equal(s.asked().length, 0);
  });

  test("is answered over the WebSocket too", async () => {
    const s = await scene({ body: { text: "on it" } });
    const client = await Client.open(server.url, { token: ben.token });
    assert.deepEqual(await client.request("slash.run", { channel: s.channel.id, command: "deploy" }), { text: "on it" });
    await client.vanish();
  });
});

describe("an answer at once", () => {
  for (const [what, answer] of [
    ["ephemeral JSON", { body: { response_type: "ephemeral", text: "only you" } }],
    ["JSON that does not say", { body: { text: "only you" } }],
    ["plain text", { headers: { "Content-Type": "text/plain" }, body: "only you" }],
  ]) {
    test(`${what} is for the caller alone`, async () => {
      const s = await scene(answer);
      assert.deepEqual(await s.run(), { text: "only you" });
      assert.deepEqual(await s.texts(), []);
    });
  }

  test("in the channel it is a message of the hook's bot", async () => {
    const s = await scene({ body: { response_type: "in_channel", text: "deployed" } });
    const { message, text } = await s.run();
    assert.equal(text, undefined);
    assert.equal(message.text, "deployed");
    assert.equal(message.author, s.hook.bot);
    assert.equal(message.channel, s.channel.id);
    assert.deepEqual(await s.texts(), ["deployed"]);
  });
});

describe("a target that fails", () => {
  for (const [what, answer, detail] of [
    ["with a status", { status: 500 }, /answered with status 500/],
    ["with JSON that is none", { headers: { "Content-Type": "application/json" }, body: "{" }, /answer that ends too early/],
    ["with a page", { headers: { "Content-Type": "text/html" }, body: "<p>" }, /neither JSON nor plain text/],
    ["without an end", "endless", /answer that is too long/],
    ["with a redirection", { status: 302, headers: { Location: "/elsewhere" } }, /redirection/],
    ["with a redirection to where none may be", { status: 307, headers: { Location: "http://127.0.0.2:9/" } }, /not public/],
  ]) {
    test(`${what} is an error that says so`, async () => {
      const s = await scene(answer);
      const { status, body } = await s.refused();
      assert.equal(status, 503);
      assert.match(body.detail, /^\/deploy failed: its target /);
      assert.match(body.detail, detail);
      assert.deepEqual(await s.texts(), []);
      await eventually("why", async () => (await s.reload()).error);
    });
  }

  test("by hanging is one after three seconds, and holds up nobody else", async () => {
    const hung = await scene("hang");
    const fine = await scene({ body: { text: "here" } });
    const began = Date.now();
    const first = hung.refused();
    assert.deepEqual(await fine.run(), { text: "here" });
    const { status, body } = await first;
    const took = Date.now() - began;
    assert.equal(status, 503);
    assert.match(body.detail, /did not answer within 3 seconds/);
    assert.ok(took >= WAIT_MS && took < 5 * WAIT_MS, `${took} ms`);
  });

  test("where nobody listens is one at once", async () => {
    const s = await scene(undefined, "http://127.0.0.1:9/");
    const client = await Client.open(server.url, { token: ben.token });
    await assert.rejects(client.request("slash.run", { channel: s.channel.id, command: "deploy" }), (error) => {
      assert.ok(error instanceof CommandError);
      assert.equal(error.type, "unavailable");
      assert.match(error.data.detail, /^\/deploy failed/);
      return true;
    });
    await client.vanish();
  });
});

describe("a response URL", () => {
  const answered = (client) => client.events.filter((e) => e.method === "slash.answered").map((e) => e.params);

  test("brings what the target says later to the caller's connections alone, or to the channel", async () => {
    const s = await scene();
    const [mine, mine2, other] = [await Client.open(server.url, { token: ben.token }), await Client.open(server.url, { token: ben.token }), await Client.open(server.url, { token: ann.token })];
    await s.run("slowly");
    const { response_url } = s.form();
    assert.equal((await respond(response_url, { text: "half way", attachments: [] })).status, 200);
    for (const client of [mine, mine2]) {
      await client.until("the answer", () => answered(client).length === 1);
      assert.deepEqual(answered(client), [{ channel: s.channel.id, command: "deploy", user: s.hook.bot, text: "half way" }]);
    }
    assert.equal((await respond(response_url, { response_type: "in_channel", text: "done" })).status, 200);
    await other.until("the message", (c) => c.log(`c:${s.channel.id}`).some((e) => e.params.message?.text === "done"));
    assert.deepEqual(answered(other), []);
    assert.deepEqual(await s.texts(), ["done"]);
    for (const client of [mine, mine2, other]) await client.vanish();
  });

  test("is good five times", async () => {
    const s = await scene();
    await s.run();
    const { response_url } = s.form();
    for (let i = 0; i < 5; i++) assert.equal((await respond(response_url, { response_type: "in_channel", text: `part ${i}` })).status, 200);
    const { status, body } = await respond(response_url, { text: "once more" });
    assert.equal(status, 410);
    assert.match(body.reason, /five times/);
    assert.deepEqual(await s.texts(), ["part 0", "part 1", "part 2", "part 3", "part 4"]);
  });

  const sign = (s, user, seconds) => {
    const says = `${s.hook.id}.${user}.${s.hook.id}.${(Math.floor(Date.now() / 1000) + seconds).toString(16)}`;
    return `${server.url}/hooks/r/${says}.${createHmac("sha256", s.secret).update(`slash answer\n${says}`).digest("base64url")}`;
  };

  test("says until when it is good: half an hour; one whose time is over is gone", async () => {
    const s = await scene();
    const before = Math.floor(Date.now() / 1000);
    await s.run();
    const until = parseInt(s.form().response_url.split("/").at(-1).split(".")[3], 16);
    assert.ok(until >= before + 1800 && until <= Date.now() / 1000 + 1800, `${until - before} s`);
    for (const seconds of [0, -1, -100_000]) {
      const { status, body } = await respond(sign(s, ben.id, seconds), { response_type: "in_channel", text: "late" });
      assert.equal(status, 410);
      assert.equal(body.field, "token");
      assert.match(body.reason, /half an hour/);
    }
    assert.equal((await respond(sign(s, ben.id, 60), { response_type: "in_channel", text: "in time" })).status, 200);
    assert.deepEqual(await s.texts(), ["in time"]);
  });

  // A sanitizer's runtime has to be the first library of a process.
  test("is gone after half an hour", { skip: PARLEY_MODE !== "release" && "libfaketime is not for sanitizers" }, async (t) => {
    const clock = faketimeFile();
    const old = await start({ env: { PARLEY_OUTBOUND_ALLOW: "127.0.0.1", ...clock.env } });
    t.after(() => old.stop());
    const { cat } = await people(old.url, "owner", "cat");
    const { channel } = await must(old.url, "channel.create", { name: "ages" }, cat.token);
    answers.set("/ages", { status: 200 });
    await must(old.url, "hook.create", { kind: "slash", channel: channel.id, name: "Slow", command: "slow", url: target.url("/ages") }, cat.token);
    await must(old.url, "slash.run", { channel: channel.id, command: "slow" }, cat.token);
    const url = new URLSearchParams(target.requests.filter((r) => r.path === "/ages").at(-1).body).get("response_url");
    const say = (text) => respond(url, { response_type: "in_channel", text });
    assert.equal((await say("at once")).status, 200);
    clock.set("+29m");
    assert.equal((await say("after 29 minutes")).status, 200);
    clock.set("+31m");
    const { status, body } = await say("after 31 minutes");
    assert.equal(status, 410);
    assert.match(body.reason, /half an hour/);
    const { messages } = await must(old.url, "message.history", { channel: channel.id }, cat.token);
    assert.deepEqual(messages.map((m) => m.text), ["at once", "after 29 minutes"]);
  });

  test("that nobody was given is none", async () => {
    const s = await scene();
    await s.run();
    const { response_url } = s.form();
    const other = response_url.replace(ben.id, ann.id);
    assert.notEqual(other, response_url);
    for (const url of [other, `${response_url}x`, response_url.slice(0, -1), `${server.url}/hooks/r/`, `${server.url}/hooks/r/${"x".repeat(300)}`])
      assert.equal((await respond(url, { text: "forged" })).status, url.endsWith("/r/") ? 422 : 404, url);
    await must(server.url, "hook.rotate", { hook: s.hook.id }, ann.token);
    assert.equal((await respond(response_url, { text: "signed with the old secret" })).status, 404);
    assert.deepEqual(await s.texts(), []);
  });

  test("that the target has signed itself reaches nobody outside of the channel", async () => {
    const s = await scene();
    const { body: eve } = await call(server.url, "auth.register", { name: `eve${++serial}`, password: "correct horse battery" });
    const client = await Client.open(server.url, { token: eve.token });
    assert.equal((await respond(sign(s, ben.id, 600), { text: "a member" })).status, 200);
    const { status, body } = await respond(sign(s, eve.user.id, 600), { text: "a stranger" });
    assert.equal(status, 404);
    assert.equal(body.field, "token");
    await must(server.url, "channel.join", { channel: s.channel.id }, eve.token);
    assert.equal((await respond(sign(s, eve.user.id, 600), { text: "a member now" })).status, 200);
    await client.until("the answer", () => answered(client).length > 0);
    assert.deepEqual(answered(client).map((a) => a.text), ["a member now"]);
    await client.vanish();
  });

  test("says what is wrong with a body", async () => {
    const s = await scene();
    await s.run();
    const { response_url } = s.form();
    for (const [body, status, headers] of [
      ["{", 400],
      ["[]", 400],
      ["", 400],
      ["{}", 422],
      ['{"text":1}', 422],
      ['{"text":""}', 422],
      ['{"text":"x","response_type":"all"}', 422],
      ["text=x", 415, { "Content-Type": "application/x-www-form-urlencoded" }],
      [JSON.stringify({ text: "x".repeat(70000) }), 413],
      [JSON.stringify({ text: "x".repeat(16385) }), 422],
    ])
      assert.equal((await respond(response_url, body, headers)).status, status, body.slice(0, 40));
    assert.equal((await fetch(response_url)).status, 405);
    assert.equal((await respond(response_url, { response_type: "in_channel", text: "well" })).status, 200);
    assert.deepEqual(await s.texts(), ["well"]);
  });
});
