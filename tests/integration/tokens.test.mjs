// Tokens and bots: what a token may do is what its scopes say, over every transport; a token that is limited to channels knows
// of no others; what ends, ends at once.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { io } from "socket.io-client";
import { Client } from "../lib/client.mjs";
import { call, start } from "../lib/parleyd.mjs";
import { login, must, people, register } from "../lib/people.mjs";

const { commands, scopes } = JSON.parse(execFileSync(process.env.PARLEYD, ["--dump-protocol"], { maxBuffer: 1 << 24 }));

let server;
let owner;
let ann;
let ben;
before(async () => {
  server = await start({ env: { PARLEY_RATE_LIMITS: "off", PARLEY_DEFAULT_CHANNELS: "general" } });
  ({ owner, ann, ben } = await people(server.url, "owner", "ann", "ben"));
});
after(() => server?.stop());

let serial = 0;
const fresh = (prefix) => `${prefix}-${++serial}`;

async function tokenOf(account, params) {
  const made = await must(server.url, "token.create", { name: fresh("token"), ...params }, account.token);
  return { ...made.token, secret: made.secret };
}

async function channelOf(account, params = {}) {
  return (await must(server.url, "channel.create", { name: fresh("channel"), ...params }, account.token)).channel;
}

/** An answer without the id of its request, which no other has. */
const but = ({ status, body }) => ({ status, body: { ...body, request_id: "its own" } });

const typeOf = ({ status, body }) => (status === 200 ? "ok" : body.type);
const ask = async (command, params, token) => typeOf(await call(server.url, command, params, token));

/** A socket of socket.io-client, when its session has started or was refused. */
function socketIo(token) {
  const socket = io(server.url, { transports: ["websocket"], forceNew: true, reconnection: false, auth: { token } });
  return new Promise((resolve, reject) => {
    socket.on("session.started", (started) => resolve(Object.assign(socket, { started })));
    socket.on("connect_error", (error) => {
      socket.close();
      reject(error);
    });
  });
}

describe("scopes", () => {
  // parameters with which a command gets beyond the check of scopes, whatever comes of it then
  const sample = (command) =>
    Object.fromEntries(
      command.params
        .filter((p) => p.required)
        .map((p) => [p.name, { enum: p.words?.[0], words: p.words?.slice(0, 1), bool: false, seq: 1, int: 1, ids: ["nobody"], stream: "c:x", path: "/x", password: "12345678" }[p.type] ?? "nothing"]),
    );

  // a token for each scope that has all but that one
  for (const scope of Object.keys(scopes)) {
    const others = Object.keys(scopes).filter((name) => name !== scope);
    test(`a token without ${scope} may do everything else, and is told which scope it lacks`, async () => {
      const admin = await register(server.url, fresh("admin"));
      await must(server.url, "admin.user.role", { user: admin.id, role: "admin" }, owner.token);
      const token = await tokenOf(admin, { scopes: others });
      const socket = await Client.open(server.url, { token: token.secret });
      for (const command of commands) {
        if (command.access === "anyone" || command.access === "owner" || command.name === "auth.logout") continue;
        const { status, body } = await call(server.url, command.name, sample(command), token.secret);
        const reason = body.reason ?? "";
        if (command.scope === scope) {
          assert.equal(status, 403, command.name);
          assert.equal(body.type, "forbidden");
          assert.match(reason, new RegExp(`the scope ${scope}$`), `${command.name}: ${JSON.stringify(body)}`);
          const error = await socket.request(command.name, sample(command)).then(() => assert.fail(command.name), (e) => e);
          assert.equal(error.type, "forbidden");
          assert.equal(error.data.reason, reason);
        } else if (command.scope === "session") {
          assert.equal(body.type, "forbidden", command.name);
          assert.match(reason, /takes a sign-in/, command.name);
        } else {
          assert.doesNotMatch(reason, /scope/, command.name);
        }
      }
      await socket.close();
    });
  }

  test("an admin's token without the scope admin is a member's", async () => {
    const token = await tokenOf(owner, { scopes: ["channels:write", "messages:write"] });
    const channel = await channelOf(ann);
    await must(server.url, "channel.join", { channel: channel.id }, owner.token);
    const { message } = await must(server.url, "message.send", { channel: channel.id, text: "hers" }, ann.token);
    assert.equal(await ask("message.delete", { message: message.id }, token.secret), "forbidden");
    assert.equal(await ask("message.delete", { message: message.id }, owner.token), "ok");
  });

  test("the scopes are kept once each, in the order of the table", async () => {
    const token = await tokenOf(ann, { scopes: ["users:read", "messages:read", "users:read"] });
    assert.deepEqual(token.scopes, ["messages:read", "users:read"]);
  });
});

describe("every transport", () => {
  let token;
  let channel;
  before(async () => {
    channel = await channelOf(ann);
    token = await tokenOf(ann, { scopes: ["messages:read", "messages:write"] });
  });

  test("HTTP", async () => {
    const { message } = await must(server.url, "message.send", { channel: channel.id, text: "by HTTP" }, token.secret);
    assert.equal(message.author, ann.id);
    assert.equal(await ask("channel.list", {}, token.secret), "forbidden");
  });

  test("WebSocket, by session.start and by the Authorization header", async () => {
    for (const options of [{ token: token.secret }, { headers: { Authorization: `Bearer ${token.secret}` } }]) {
      const client = await Client.open(server.url, options);
      assert.deepEqual(client.started.scopes, ["messages:read", "messages:write"]);
      await client.request("message.send", { channel: channel.id, text: "by WebSocket" });
      await client.event("message.created", (p) => p.message.text === "by WebSocket");
      await assert.rejects(client.request("channel.list"), { type: "forbidden" });
      await client.close();
    }
  });

  test("Socket.IO, by auth.token", async () => {
    const socket = await socketIo(token.secret);
    const sent = await socket.emitWithAck("message.send", { channel: channel.id, text: "by Socket.IO" });
    assert.equal(sent.result.message.author, ann.id);
    const refused = await socket.emitWithAck("channel.list", {});
    assert.equal(refused.error.data.type, "forbidden");
    socket.close();
    await assert.rejects(socketIo("no token"));
  });

  test("a sign-in has no scopes", async () => {
    const client = await Client.open(server.url, { token: ann.token });
    assert.equal(client.started.scopes, undefined);
    await client.close();
  });
});

describe("limited to channels", () => {
  let inside;
  let outside;
  let token;
  before(async () => {
    inside = await channelOf(ann, { type: "private" });
    outside = await channelOf(ann, { type: "private" });
    for (const channel of [inside, outside]) await must(server.url, "channel.invite", { channel: channel.id, user: ben.id }, ann.token);
    token = await tokenOf(ann, {
      scopes: ["messages:read", "messages:write", "channels:read", "channels:write"],
      channels: [inside.id],
    });
  });

  test("every command answers about another channel as about none at all", async () => {
    const { message } = await must(server.url, "message.send", { channel: outside.id, text: "hidden" }, ann.token);
    for (const [command, params, none] of [
      ["channel.get", { channel: outside.id }, { channel: "nosuchchannel" }],
      ["channel.get", { channel: `#${outside.name}` }, { channel: "#nosuchchannel" }],
      ["channel.members", { channel: outside.id }, { channel: "nosuchchannel" }],
      ["channel.join", { channel: outside.id }, { channel: "nosuchchannel" }],
      ["channel.leave", { channel: outside.id }, { channel: "nosuchchannel" }],
      ["channel.update", { channel: outside.id, topic: "x" }, { channel: "nosuchchannel", topic: "x" }],
      ["channel.archive", { channel: outside.id }, { channel: "nosuchchannel" }],
      ["channel.invite", { channel: outside.id, user: ben.id }, { channel: "nosuchchannel", user: ben.id }],
      ["channel.remove", { channel: outside.id, user: ben.id }, { channel: "nosuchchannel", user: ben.id }],
      ["message.send", { channel: `#${outside.name}`, text: "x" }, { channel: "#nosuchchannel", text: "x" }],
      ["message.history", { channel: outside.id }, { channel: "nosuchchannel" }],
      ["message.get", { message: message.id }, { message: "nosuchmessage" }],
      ["message.edit", { message: message.id, text: "x" }, { message: "nosuchmessage", text: "x" }],
      ["message.delete", { message: message.id }, { message: "nosuchmessage" }],
      ["read.mark", { channel: outside.id, seq: 1 }, { channel: "nosuchchannel", seq: 1 }],
      ["typing.start", { channel: outside.id }, { channel: "nosuchchannel" }],
      ["stream.events", { stream: `c:${outside.id}`, epoch: outside.epoch, after: 0 }, { stream: "c:nosuchchannel", epoch: outside.epoch, after: 0 }],
    ]) {
      const hidden = await call(server.url, command, params, token.secret);
      const unknown = await call(server.url, command, none, token.secret);
      assert.equal(hidden.body.type, "not_found", `${command}: ${JSON.stringify(hidden.body)}`);
      assert.deepEqual(but(hidden), but(unknown), command);
    }
    assert.equal(await ask("message.send", { channel: inside.id, text: "x" }, token.secret), "ok");
  });

  test("lists show only its channels, and it makes none", async () => {
    const { channels } = await must(server.url, "channel.list", {}, token.secret);
    assert.deepEqual(channels.map(({ id }) => id), [inside.id]);
    assert.equal(await ask("channel.create", { name: fresh("more") }, token.secret), "forbidden");
    assert.equal(await ask("dm.open", { users: [ben.id] }, token.secret), "forbidden");
    assert.equal(await ask("stream.events", { stream: `u:${ann.id}`, epoch: "", after: 0 }, token.secret), "not_found");
  });

  for (const [name, open] of [
    ["WebSocket", () => Client.open(server.url, { token: token.secret })],
    ["WebSocket that resumes", () => Client.open(server.url, { token: token.secret, streams: { [`c:${outside.id}`]: { epoch: outside.epoch, seq: 0 }, [`u:${ann.id}`]: { epoch: outside.epoch, seq: 0 } } })],
  ]) {
    test(`events are those of its channels: ${name}`, async () => {
      const client = await open();
      assert.deepEqual(client.started.channels.map(({ id }) => id), [inside.id]);
      assert.deepEqual(client.started.streams, {});
      const other = await channelOf(ann); // channel.joined in her own stream
      for (const channel of [outside, other, inside]) {
        await must(server.url, "message.send", { channel: channel.id, text: "all get this" }, ann.token);
        await must(server.url, "read.mark", { channel: channel.id, seq: 2 }, ann.token);
        await must(server.url, "typing.start", { channel: channel.id }, ben.token).catch(() => {});
      }
      await client.event("typing", (p) => p.channel === inside.id);
      const text = JSON.stringify(client.events);
      assert.ok(text.includes(inside.id));
      for (const hidden of [outside.id, other.id, `u:${ann.id}`, "read.updated"]) assert.ok(!text.includes(hidden), `${hidden} in ${text}`);
      await client.close();
    });
  }

  test("a channel of its that its user joins later begins to arrive with the join", async () => {
    const later = await channelOf(ben);
    const waiting = await tokenOf(ann, { scopes: ["messages:read"], channels: [later.id] });
    const client = await Client.open(server.url, { token: waiting.secret });
    assert.deepEqual(client.started.channels, []);
    await must(server.url, "channel.join", { channel: later.id }, ann.token);
    await must(server.url, "message.send", { channel: later.id, text: "welcome" }, ben.token);
    await client.event("message.created", (p) => p.message.text === "welcome");
    const log = client.log();
    assert.equal(log[0].method, "member.joined");
    assert.ok(log.every((e, i) => e.params.stream === `c:${later.id}` && (i === 0 || e.params.seq === log[i - 1].params.seq + 1)));
    await must(server.url, "channel.leave", { channel: later.id }, ann.token);
    await client.event("member.left");
    await client.close();
  });

  test("a token without messages:read gets no events, and no channels to begin with", async () => {
    const writer = await tokenOf(ann, { scopes: ["messages:write"] });
    const client = await Client.open(server.url, { token: writer.secret });
    assert.deepEqual(client.started.channels, []);
    assert.deepEqual(client.started.streams, {});
    await client.request("message.send", { channel: inside.id, text: "unseen" });
    await must(server.url, "message.send", { channel: inside.id, text: "unseen" }, ann.token);
    await client.request("message.send", { channel: inside.id, text: "unseen" });
    assert.deepEqual(client.events, []);
    await client.close();
  });

  test("the scope admin does not go with it, nor a channel that one may not see", async () => {
    const secret = await channelOf(ben, { type: "private" });
    const both = await call(server.url, "token.create", { name: "x", scopes: ["admin"], channels: [inside.id] }, ann.token);
    assert.equal(both.body.type, "invalid_params");
    assert.equal(both.body.field, "channels");
    const blind = await call(server.url, "token.create", { name: "x", scopes: ["messages:read"], channels: [secret.id] }, ann.token);
    const none = await call(server.url, "token.create", { name: "x", scopes: ["messages:read"], channels: ["nosuchchannel"] }, ann.token);
    assert.equal(blind.body.type, "not_found");
    assert.deepEqual(but(blind), but(none));
  });
});

describe("a token's life", () => {
  test("its secret is shown once and kept nowhere, in the log neither", async () => {
    const token = await tokenOf(ann, { scopes: ["messages:read"] });
    assert.equal(token.secret.length, 43); // 256 bits
    await must(server.url, "user.list", {}, ann.token);
    const { tokens } = await must(server.url, "token.list", {}, ann.token);
    assert.ok(tokens.some(({ id }) => id === token.id));
    assert.ok(!JSON.stringify(tokens).includes(token.secret));
    assert.ok(!server.log().includes(token.secret));
    for (const file of readdirSync(server.dataDir).filter((name) => name.includes(".db"))) {
      assert.ok(!readFileSync(join(server.dataDir, file)).includes(token.secret), file);
    }
  });

  test("when it was last used is known after it was", async () => {
    const token = await tokenOf(ann, { scopes: ["users:read"] });
    const find = async () => (await must(server.url, "token.list", {}, ann.token)).tokens.find(({ id }) => id === token.id);
    assert.equal((await find()).last_used_at, undefined);
    await must(server.url, "user.list", {}, token.secret);
    // the time is written behind the answer: by a write that the next one waits for
    let used;
    for (let i = 0; i < 100 && !used; i++) {
      await must(server.url, "user.update", { display_name: `Ann ${i}` }, ann.token);
      used = (await find()).last_used_at;
    }
    assert.ok(Math.abs(Date.parse(used) - Date.now()) < 60_000, used);
  });

  test("it ends when it expires", async () => {
    const token = await tokenOf(ann, { scopes: ["users:read"], expires_in_s: 1 });
    assert.ok(Date.parse(token.expires_at) - Date.now() <= 1000);
    assert.equal(await ask("user.list", {}, token.secret), "ok");
    const end = Date.parse(token.expires_at);
    while (Date.now() <= end) await must(server.url, "server.info", {});
    assert.equal(await ask("user.list", {}, token.secret), "unauthenticated");
    const { tokens } = await must(server.url, "token.list", {}, ann.token);
    assert.ok(!tokens.some(({ id }) => id === token.id));
  });

  test("revoking it closes its connections at once, and no others", async () => {
    const token = await tokenOf(ann, { scopes: ["messages:read"] });
    const client = await Client.open(server.url, { token: token.secret });
    const other = await Client.open(server.url, { token: ann.token });
    const socket = await socketIo(token.secret);
    const gone = new Promise((resolve) => socket.on("disconnect", resolve));
    await must(server.url, "token.revoke", { token: token.id }, ann.token);
    assert.equal((await client.ended).code, 4002);
    await gone;
    assert.equal(await ask("message.get", { message: "x" }, token.secret), "unauthenticated");
    assert.equal(other.closed, null);
    await other.close();
    assert.equal(await ask("token.revoke", { token: token.id }, ann.token), "not_found");
  });

  test("others can neither see nor end it, and it is no session", async () => {
    const token = await tokenOf(ann, { scopes: ["messages:read"] });
    assert.equal(await ask("token.revoke", { token: token.id }, ben.token), "not_found");
    assert.equal(await ask("token.list", { user: ann.id }, ben.token), "forbidden");
    assert.equal(await ask("token.create", { name: "x", scopes: ["users:read"], user: ann.id }, ben.token), "forbidden");
    assert.equal(await ask("token.create", { name: "x", scopes: ["users:read"], user: ann.id }, owner.token), "forbidden");
    const { tokens } = await must(server.url, "token.list", { user: ann.id }, owner.token);
    assert.ok(tokens.some(({ id }) => id === token.id), "admins see it");
    const { sessions } = await must(server.url, "auth.sessions", {}, ann.token);
    assert.ok(!sessions.some(({ id }) => id === token.id));
    assert.equal(await ask("token.revoke", { token: sessions[0].id }, ann.token), "not_found");
    await must(server.url, "token.revoke", { token: token.id }, owner.token);
  });

  test("it signs itself out", async () => {
    const token = await tokenOf(ann, { scopes: ["messages:read"] });
    assert.equal(await ask("auth.logout", {}, token.secret), "ok");
    assert.equal(await ask("message.get", { message: "x" }, token.secret), "unauthenticated");
    assert.equal(await ask("auth.sessions", {}, ann.token), "ok");
  });

  test("a new password ends the tokens of the account too", async () => {
    const cal = await register(server.url, "cal");
    const token = await tokenOf(cal, { scopes: ["users:read"] });
    await must(server.url, "auth.password", { old: "correct horse battery", new: "correct horse battery" }, cal.token);
    assert.equal(await ask("user.list", {}, token.secret), "unauthenticated");
    assert.equal(await ask("user.list", {}, cal.token), "ok");
  });
});

describe("bots", () => {
  async function botOf(account, params = { scopes: ["messages:read", "messages:write", "channels:write", "users:read"] }) {
    const { user } = await must(server.url, "bot.create", { name: fresh("bot"), display_name: "A bot" }, account.token);
    return { ...user, token: await tokenOf(account, { ...params, user: user.id }) };
  }

  test("a bot is an account with an owner, and writes under its own name", async () => {
    const bot = await botOf(ann);
    assert.equal(bot.bot, true);
    assert.equal(bot.owner, ann.id);
    assert.equal(bot.role, "member");
    const channel = await channelOf(ann, { type: "private" });
    assert.equal(await ask("message.send", { channel: channel.id, text: "x" }, bot.token.secret), "not_found");
    await must(server.url, "channel.invite", { channel: channel.id, user: bot.id }, ann.token);
    const { message } = await must(server.url, "message.send", { channel: channel.id, text: "built" }, bot.token.secret);
    assert.equal(message.author, bot.id);
    const { user } = await must(server.url, "user.get", { user: `@${bot.name}` }, ben.token);
    assert.equal(user.bot, true);
    const { users } = await must(server.url, "bot.list", {}, ann.token);
    assert.ok(users.some(({ id }) => id === bot.id));
    assert.deepEqual((await must(server.url, "bot.list", {}, ben.token)).users, []);
  });

  test("it cannot sign in with a password, nor get one", async () => {
    const bot = await botOf(ann);
    for (const password of ["", "x", "correct horse battery"]) {
      const { status } = await call(server.url, "auth.login", { name: bot.name, password });
      assert.ok(status === 401 || (password === "" && status === 422), String(status));
    }
    assert.equal(await ask("admin.user.password", { user: bot.id, password: "correct horse battery" }, owner.token), "conflict");
    assert.equal(await ask("admin.user.role", { user: bot.id, role: "admin" }, owner.token), "conflict");
    await assert.rejects(login(server.url, bot.name));
  });

  test("its owner changes it; others do not", async () => {
    const bot = await botOf(ann);
    const changed = await must(server.url, "bot.update", { bot: `@${bot.name}`, display_name: "Renamed" }, ann.token);
    assert.equal(changed.user.display_name, "Renamed");
    for (const [command, params] of [
      ["bot.update", { bot: bot.id, display_name: "Taken" }],
      ["bot.disable", { bot: bot.id, disabled: true }],
      ["token.create", { user: bot.id, name: "x", scopes: ["users:read"] }],
      ["token.list", { user: bot.id }],
      ["bot.create", { name: fresh("bot"), user: ann.id }],
    ]) {
      assert.equal(await ask(command, params, ben.token), "forbidden", command);
    }
    assert.equal(await ask("bot.update", { bot: ben.id, display_name: "x" }, ben.token), "not_found");
    assert.equal(await ask("bot.disable", { bot: "nosuchbot", disabled: true }, ann.token), "not_found");
    assert.equal(await ask("token.revoke", { token: bot.token.id }, ben.token), "not_found");
    assert.equal(await ask("token.revoke", { token: bot.token.id }, ann.token), "ok");
  });

  test("a disabled bot is out at once; enabled again its tokens are good", async () => {
    const bot = await botOf(ann);
    const client = await Client.open(server.url, { token: bot.token.secret });
    const { user } = await must(server.url, "bot.disable", { bot: bot.id, disabled: true }, ann.token);
    assert.ok(user.disabled_at);
    assert.equal((await client.ended).code, 4002);
    assert.equal(await ask("user.list", {}, bot.token.secret), "unauthenticated");
    await must(server.url, "bot.disable", { bot: bot.id, disabled: false }, ann.token);
    assert.equal(await ask("user.list", {}, bot.token.secret), "ok");
    await must(server.url, "admin.user.disable", { user: bot.id, disabled: true }, owner.token);
    assert.equal(await ask("user.list", {}, bot.token.secret), "unauthenticated");
    await must(server.url, "admin.user.disable", { user: bot.id, disabled: false }, owner.token);
    assert.equal(await ask("user.list", {}, bot.token.secret), "ok");
  });

  test("a bot is disabled with its owner, at once", async () => {
    const dan = await register(server.url, "dan");
    const bot = await botOf(dan);
    const own = await tokenOf(dan, { scopes: ["users:read"] });
    const client = await Client.open(server.url, { token: bot.token.secret });
    await must(server.url, "admin.user.disable", { user: dan.id, disabled: true }, owner.token);
    assert.equal((await client.ended).code, 4002);
    assert.equal(await ask("user.list", {}, bot.token.secret), "unauthenticated");
    assert.equal(await ask("user.list", {}, own.secret), "unauthenticated");
    await must(server.url, "admin.user.disable", { user: dan.id, disabled: false }, owner.token);
    assert.equal(await ask("user.list", {}, bot.token.secret), "ok");
    assert.equal(await ask("user.list", {}, own.secret), "unauthenticated", "those of the account itself have ended");
  });
});

test("tokens and bots are there again after kill -9", async () => {
  const first = await start();
  const eve = await register(first.url, "eve");
  const { user: bot } = await must(first.url, "bot.create", { name: "keeper" }, eve.token);
  const { secret } = await must(first.url, "token.create", { name: "t", scopes: ["users:read"], user: bot.id, expires_in_s: 3600 }, eve.token);
  await first.kill();
  const second = await start({ dataDir: first.dataDir });
  const { user } = await must(second.url, "user.get", { user: bot.id }, secret);
  assert.equal(user.owner, eve.id);
  assert.equal(await typeOf(await call(second.url, "message.get", { message: "x" }, secret)), "forbidden");
  await second.stop();
});
