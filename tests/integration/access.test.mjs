// Who may do what: every command of the table, as a stranger, somebody who is not in the channel, a member, a moderator and
// the owner, over HTTP and over a WebSocket, and over the admin socket, which acts as the owner. The channel is private, so that
// for the second its very existence is a secret.
//
// Each case works on a channel and a message of its own, made when it asks for them, so that no case depends on another.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { request } from "node:http";
import { after, before, describe, test } from "node:test";
import { join } from "node:path";
import { Client } from "../lib/client.mjs";
import { call, start, temporaryFolder } from "../lib/parleyd.mjs";
import { login, must, register } from "../lib/people.mjs";

const WHO = ["stranger", "outsider", "member", "moderator", "owner"];
const PASSWORD = "correct horse battery";
const { commands } = JSON.parse(execFileSync(process.env.PARLEYD, ["--dump-protocol"], { maxBuffer: 1 << 24 }));

// What each of WHO gets: `ok` or the type of the error. A row is that, the parameters, and
//   spent: the call uses its session up, so that it gets one that nobody else needs;
//   afterwards: what to do when it was carried out, with its result;
//   websocket, admin: what is different there (`admin` only for the owner).
const signIn = ["unauthenticated", "ok", "ok", "ok", "ok"];
const members = ["unauthenticated", "not_found", "ok", "ok", "ok"];
const moderators = ["unauthenticated", "not_found", "forbidden", "ok", "ok"];
const admins = ["unauthenticated", "forbidden", "forbidden", "forbidden", "ok"];
const botOwners = ["unauthenticated", "forbidden", "ok", "forbidden", "ok"];
const everybody = ["ok", "ok", "ok", "ok", "ok"];

const EXPECTED = {
  "server.info": [everybody, () => ({})],
  "auth.register": [everybody, (c) => ({ name: c.fresh("new"), password: PASSWORD })],
  "auth.login": [everybody, () => ({ name: "member", password: PASSWORD })],
  "auth.logout": [signIn, () => ({}), { spent: true, admin: "invalid_request" }], // the admin socket has no session
  "auth.sessions": [signIn, () => ({})],
  "auth.revoke": [signIn, async (c) => ({ session: await c.session(c.caller.name) }), { spent: true }],
  "auth.password": [signIn, () => ({ old: PASSWORD, new: PASSWORD }), { spent: true }],
  // there is none to start over HTTP, and only one on a WebSocket
  "session.start": [Array(5).fill("invalid_request"), () => ({}), { websocket: ["unauthenticated", ...Array(4).fill("conflict")] }],
  "user.get": [signIn, (c) => ({ user: c.ids.member })],
  "user.list": [signIn, () => ({})],
  "user.update": [signIn, () => ({ display_name: "Somebody" })],
  "presence.set": [signIn, () => ({ state: "away" })],
  "presence.get": [signIn, (c) => ({ users: [c.ids.member] })],
  "channel.create": [signIn, (c) => ({ name: c.fresh("made") })],
  "channel.list": [signIn, () => ({})],
  "channel.get": [members, (c) => c.room()],
  "channel.update": [moderators, async (c) => ({ ...(await c.room()), topic: "New" })],
  "channel.archive": [moderators, (c) => c.room()],
  "channel.join": [members, (c) => c.room()],
  "channel.leave": [members, (c) => c.room()],
  "channel.invite": [members, async (c) => ({ ...(await c.room()), user: c.ids.guest })],
  "channel.remove": [moderators, async (c) => ({ ...(await c.room()), user: c.ids.extra })],
  "channel.members": [members, (c) => c.room()],
  "dm.open": [signIn, (c) => ({ users: [c.ids.guest] })],
  "message.send": [members, async (c) => ({ ...(await c.room()), text: "hello" })],
  "message.edit": [
    ["unauthenticated", "not_found", "ok", "forbidden", "forbidden"],
    async (c) => ({ ...(await c.message()), text: "other" }),
  ],
  "message.delete": [members, (c) => c.message()],
  "message.get": [members, (c) => c.message()],
  "message.history": [members, (c) => c.room()],
  "stream.events": [members, async (c) => ({ stream: `c:${(await c.room()).channel}`, epoch: c.epoch, after: 0 })],
  "read.mark": [members, async (c) => ({ ...(await c.room()), seq: 1 })],
  "typing.start": [members, (c) => c.room()],
  "token.create": [signIn, () => ({ name: "for a test", scopes: ["messages:read"] })],
  "token.list": [signIn, () => ({})],
  "token.revoke": [signIn, async (c) => ({ token: await c.token() })],
  "bot.create": [signIn, (c) => ({ name: c.fresh("bot") })],
  "bot.list": [signIn, () => ({})],
  "bot.update": [botOwners, () => ({ bot: "@members-bot", display_name: "A bot" })],
  "bot.disable": [botOwners, () => ({ bot: "@members-bot", disabled: true })],
  "hook.create": [moderators, async (c) => ({ ...(await c.room()), kind: "incoming", name: "A hook" })],
  "hook.list": [moderators, (c) => c.room()],
  "hook.update": [moderators, async (c) => ({ ...(await c.hook()), name: "Another" })],
  "hook.rotate": [moderators, (c) => c.hook()],
  "hook.delete": [moderators, (c) => c.hook()],
  "hook.failures": [moderators, (c) => c.hook()],
  // whoever has a response URL may answer; nobody was given one
  "slash.answer": [Array(5).fill("not_found"), () => ({ token: "somebody's", text: "hello" })],
  "slash.list": [members, (c) => c.room()],
  // there is no such command in the channel, for those who may know of the channel too
  "slash.run": [["unauthenticated", ...Array(4).fill("not_found")], async (c) => ({ ...(await c.room()), command: "lunch" })],
  // nothing of it has failed yet
  "hook.redeliver": [
    ["unauthenticated", "not_found", "forbidden", "not_found", "not_found"],
    async (c) => ({ ...(await c.hook()), seq: 1 }),
  ],
  "admin.user.list": [admins, () => ({})],
  "admin.user.create": [admins, (c) => ({ name: c.fresh("made"), password: PASSWORD })],
  "admin.user.disable": [admins, (c) => ({ user: c.ids.victim, disabled: false })],
  "admin.user.password": [admins, (c) => ({ user: c.ids.victim, password: PASSWORD })],
  "admin.user.role": [admins, (c) => ({ user: c.ids.victim, role: "member" })],
  "admin.session.list": [admins, (c) => ({ user: c.ids.victim })],
  "admin.session.revoke": [admins, async (c) => ({ session: await c.session("victim") })],
  "admin.channel.list": [admins, () => ({})],
  "admin.channel.archive": [admins, (c) => c.room()],
  "admin.channel.delete": [admins, (c) => c.room()],
  "admin.invite.create": [admins, () => ({})],
  "admin.invite.list": [admins, () => ({})],
  "admin.invite.revoke": [admins, async (c) => ({ invite: await c.invite() })],
  "admin.nodes": [admins, () => ({})],
  "admin.stats": [admins, () => ({})],
  "admin.backup": [admins, (c) => ({ path: join(server.dataDir, c.fresh("copy")) }), { afterwards: ended }], // one at a time
  "admin.job": [["unauthenticated", "forbidden", "forbidden", "forbidden", "not_found"], () => ({ job: "none" })],
  // the owner's would end the server: tests of draining do that
  "admin.drain": [["unauthenticated", "forbidden", "forbidden", "forbidden", null], () => ({})],
};

let server;
let accounts;
let serial = 0;
const fresh = (prefix) => `${prefix}-${++serial}`;

/** What a case may ask for; CALLER makes the call. */
class Case {
  constructor(caller) {
    this.caller = caller;
    this.ids = Object.fromEntries(Object.entries(accounts).map(([name, { id }]) => [name, id]));
    this.fresh = fresh;
  }

  /** A private channel of the moderator's with everybody but the outsider in it. */
  async room() {
    const { moderator, member, owner, extra } = accounts;
    const { channel } = await must(server.url, "channel.create", { name: fresh("secret"), type: "private" }, moderator.token);
    for (const { id } of [member, owner, extra]) {
      await must(server.url, "channel.invite", { channel: channel.id, user: id }, moderator.token);
    }
    this.epoch = channel.epoch;
    return { channel: channel.id };
  }

  /** The member's message in such a channel. */
  async message() {
    const { message } = await must(server.url, "message.send", { ...(await this.room()), text: "a secret" }, accounts.member.token);
    return { message: message.id };
  }

  /** A webhook in such a channel. */
  async hook() {
    const params = { ...(await this.room()), kind: "outgoing", name: "A hook", url: "https://hook.example/" };
    return { hook: (await must(server.url, "hook.create", params, accounts.moderator.token)).hook.id };
  }

  async invite() {
    await must(server.url, "admin.invite.create", {}, accounts.owner.token);
    return (await must(server.url, "admin.invite.list", {}, accounts.owner.token)).invites[0].invite;
  }

  /** The caller's; a stranger gets to know somebody else's. */
  async token() {
    const params = { name: "to be revoked", scopes: ["messages:read"] };
    return (await must(server.url, "token.create", params, this.caller.token ?? accounts.member.token)).token.id;
  }

  async session(name) {
    return (await login(server.url, name ?? "victim")).session;
  }
}

/** When the job that was begun has ended. */
async function ended({ job }) {
  while ((await must(server.url, "admin.job", { job }, accounts.owner.token)).state === "running");
}

/** Somebody like WHO, for a call after which the session is of no more use. */
async function double(who) {
  if (who === "stranger") return {};
  const account = await register(server.url, fresh(who));
  if (who === "owner") await must(server.url, "admin.user.role", { user: account.id, role: "owner" }, accounts.owner.token);
  return account;
}

// The three ways to call: each gives { outcome, body }, the outcome being "ok" or the type of the error.

function overAdminSocket(command, params) {
  const body = JSON.stringify(params);
  const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    request({ socketPath: join(server.dataDir, "admin.sock"), path: `/api/v1/${command}`, method: "POST", headers }, async (response) => {
      let text = "";
      for await (const chunk of response.setEncoding("utf8")) text += chunk;
      const answer = JSON.parse(text);
      resolve({ outcome: response.statusCode === 200 ? "ok" : answer.type, body: answer });
    }).on("error", reject).end(body);
  });
}

async function overHttp(command, params, { token }) {
  const { status, body } = await call(server.url, command, params, token);
  return { outcome: status === 200 ? "ok" : body.type, body };
}

const sockets = new Map(); // one for each of WHO, made when it is needed

async function connect({ token }) {
  if (token) return Client.open(server.url, { token, keep: false });
  const client = new Client(server.url, { keep: false });
  await client.opened;
  return client;
}

async function overWebSocket(command, params, caller, { who, spent }) {
  const client = !spent && sockets.get(who)?.closed === null ? sockets.get(who) : await connect(caller);
  if (spent) after(() => client.vanish());
  else sockets.set(who, client);
  return client.request(command, params).then((body) => ({ outcome: "ok", body }), (error) => ({ outcome: error.type, body: error.data }));
}

before(async () => {
  server = await start({
    dataDir: temporaryFolder(),
    env: { PARLEY_RATE_LIMITS: "off", PARLEY_DEFAULT_CHANNELS: "", PARLEY_SESSION_START_TIMEOUT_MS: "600000" },
  });
  accounts = {};
  for (const name of ["owner", "moderator", "member", "outsider", "guest", "extra", "victim"]) {
    accounts[name] = await register(server.url, name);
  }
  await must(server.url, "bot.create", { name: "members-bot" }, accounts.member.token);
});
after(async () => {
  for (const client of sockets.values()) client.vanish();
  await server?.stop();
});

test("every command of the table is walked", () => {
  assert.deepEqual(Object.keys(EXPECTED).sort(), commands.map(({ name }) => name).sort());
});

for (const { name } of commands) {
  const row = EXPECTED[name];
  if (row === undefined) continue;
  const [outcomes, params, { spent = false, afterwards = () => {}, websocket = outcomes, admin = outcomes[4] } = {}] = row;
  const walk = (way, who, expected, send) => {
    if (expected === null) return;
    test(`${way}, ${who}: ${expected}`, async () => {
      const caller = spent && way !== "admin socket" ? await double(who) : (accounts[who] ?? {});
      const { outcome, body } = await send(name, await params(new Case(caller)), caller, { who, spent });
      assert.equal(outcome, expected, JSON.stringify(body));
      if (outcome === "ok") await afterwards(body);
      if (caller.name !== who && who === "owner") await must(server.url, "admin.user.role", { user: caller.id, role: "member" }, accounts.owner.token);
    });
  };
  describe(name, () => {
    WHO.forEach((who, i) => walk("HTTP", who, outcomes[i], overHttp));
    WHO.forEach((who, i) => walk("WebSocket", who, websocket[i], overWebSocket));
    walk("admin socket", "owner", admin, overAdminSocket);
    // a new password over the admin socket has ended the owner's sessions
    if (name === "auth.password") after(async () => (accounts.owner = await login(server.url, "owner")));
  });
}

test("a private channel and a direct message show up nowhere for somebody who is not in them", async () => {
  const { member, outsider, guest } = accounts;
  const { channel } = await must(server.url, "channel.create", { name: "hidden-place", type: "private" }, member.token);
  const dm = await must(server.url, "dm.open", { users: [guest.id] }, member.token);
  const { message } = await must(server.url, "message.send", { channel: dm.channel.id, text: "between us" }, member.token);
  const seen = [
    await must(server.url, "channel.list", {}, outsider.token),
    await must(server.url, "channel.list", { query: "hidden" }, outsider.token),
    await must(server.url, "user.list", {}, outsider.token),
  ].map((answer) => JSON.stringify(answer)).join();
  assert.ok(!seen.includes(channel.id) && !seen.includes("hidden-place") && !seen.includes(dm.channel.id));
  for (const [command, params] of [
    ["channel.get", { channel: "#hidden-place" }],
    ["channel.get", { channel: dm.channel.id }],
    ["channel.join", { channel: dm.channel.id }],
    ["channel.members", { channel: dm.channel.id }],
    ["message.get", { message: message.id }],
    ["message.history", { channel: dm.channel.id }],
    ["message.send", { channel: "#hidden-place", text: "x" }],
    ["stream.events", { stream: `c:${dm.channel.id}`, epoch: dm.channel.epoch, after: 0 }],
    ["stream.events", { stream: `u:${member.id}`, epoch: dm.channel.epoch, after: 0 }],
  ]) {
    const { body } = await call(server.url, command, params, outsider.token);
    const unknown = await call(server.url, command, { ...params, ...(params.channel && { channel: "nosuchchannel" }), ...(params.message && { message: "nosuchmessage" }) }, outsider.token);
    assert.equal(body.type, "not_found", `${command} ${JSON.stringify(body)}`);
    const but = (problem) => ({ ...problem, request_id: "each its own" });
    if (!params.stream) assert.deepEqual(but(body), but(unknown.body), `${command} answers as for what does not exist`);
  }
});

test("an admin may not touch what is above", async () => {
  const { owner, extra } = accounts;
  await must(server.url, "admin.user.role", { user: extra.id, role: "admin" }, owner.token);
  for (const [command, params] of [
    ["admin.user.disable", { user: owner.id, disabled: true }],
    ["admin.user.password", { user: owner.id, password: "taken over!" }],
    ["admin.user.create", { name: "usurper", password: PASSWORD, role: "owner" }],
    ["admin.user.role", { user: extra.id, role: "owner" }],
  ]) {
    const { body } = await call(server.url, command, params, extra.token);
    assert.equal(body.type, "forbidden", `${command} ${JSON.stringify(body)}`);
  }
  const last = await call(server.url, "admin.user.role", { user: owner.id, role: "member" }, owner.token);
  assert.equal(last.body.type, "conflict", "the last owner stays one");
});
