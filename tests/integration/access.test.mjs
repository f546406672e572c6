// Who may do what: every command of the table, as a stranger, somebody who is not in the channel, a member, a moderator and
// the owner. The channel is private, so that for the second its very existence is a secret.
//
// Each case works on a channel and a message of its own, made fresh, so that no case depends on another.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { join } from "node:path";
import { call, start, temporaryFolder } from "../lib/parleyd.mjs";
import { must, register } from "../lib/people.mjs";

const WHO = ["stranger", "outsider", "member", "moderator", "owner"];
const PASSWORD = "correct horse battery";
const { commands } = JSON.parse(execFileSync(process.env.PARLEYD, ["--dump-protocol"], { maxBuffer: 1 << 24 }));

// What each of WHO gets: `ok` or the type of the error.
const signIn = ["unauthenticated", "ok", "ok", "ok", "ok"];
const members = ["unauthenticated", "not_found", "ok", "ok", "ok"];
const moderators = ["unauthenticated", "not_found", "forbidden", "ok", "ok"];
const admins = ["unauthenticated", "forbidden", "forbidden", "forbidden", "ok"];
const everybody = ["ok", "ok", "ok", "ok", "ok"];

const EXPECTED = {
  "server.info": [everybody, () => ({})],
  "auth.register": [everybody, (c) => ({ name: c.fresh("new"), password: PASSWORD })],
  "auth.login": [everybody, () => ({ name: "member", password: PASSWORD })],
  "auth.logout": [signIn, () => ({}), { ownToken: true }],
  "auth.sessions": [signIn, () => ({})],
  "auth.revoke": [signIn, (c) => ({ session: c.other.session }), { ownToken: true }],
  "auth.password": [signIn, () => ({ old: PASSWORD, new: PASSWORD }), { ownToken: true }],
  "session.start": [Array(5).fill("invalid_request"), () => ({})], // over HTTP there is none to start
  "user.get": [signIn, (c) => ({ user: c.ids.member })],
  "user.list": [signIn, () => ({})],
  "user.update": [signIn, () => ({ display_name: "Somebody" })],
  "presence.set": [signIn, () => ({ state: "away" })],
  "presence.get": [signIn, (c) => ({ users: [c.ids.member] })],
  "channel.create": [signIn, (c) => ({ name: c.fresh("made") })],
  "channel.list": [signIn, () => ({})],
  "channel.get": [members, (c) => ({ channel: c.channel })],
  "channel.update": [moderators, (c) => ({ channel: c.channel, topic: "New" })],
  "channel.archive": [moderators, (c) => ({ channel: c.channel })],
  "channel.join": [["unauthenticated", "not_found", "ok", "ok", "ok"], (c) => ({ channel: c.channel })],
  "channel.leave": [members, (c) => ({ channel: c.channel })],
  "channel.invite": [members, (c) => ({ channel: c.channel, user: c.ids.guest })],
  "channel.remove": [moderators, (c) => ({ channel: c.channel, user: c.ids.extra })],
  "channel.members": [members, (c) => ({ channel: c.channel })],
  "dm.open": [signIn, (c) => ({ users: [c.ids.guest] })],
  "message.send": [members, (c) => ({ channel: c.channel, text: "hello" })],
  "message.edit": [["unauthenticated", "not_found", "ok", "forbidden", "forbidden"], (c) => ({ message: c.message, text: "other" })],
  "message.delete": [["unauthenticated", "not_found", "ok", "ok", "ok"], (c) => ({ message: c.message })],
  "message.get": [members, (c) => ({ message: c.message })],
  "message.history": [members, (c) => ({ channel: c.channel })],
  "stream.events": [members, (c) => ({ stream: `c:${c.channel}`, epoch: c.epoch, after: 0 })],
  "read.mark": [members, (c) => ({ channel: c.channel, seq: 1 })],
  "typing.start": [members, (c) => ({ channel: c.channel })],
  "admin.user.list": [admins, () => ({})],
  "admin.user.create": [admins, (c) => ({ name: c.fresh("made"), password: PASSWORD })],
  "admin.user.disable": [admins, (c) => ({ user: c.ids.victim, disabled: false })],
  "admin.user.password": [admins, (c) => ({ user: c.ids.victim, password: PASSWORD })],
  "admin.user.role": [admins, (c) => ({ user: c.ids.victim, role: "member" })],
  "admin.session.list": [admins, (c) => ({ user: c.ids.victim })],
  "admin.session.revoke": [admins, (c) => ({ session: c.other.session })],
  "admin.channel.list": [admins, () => ({})],
  "admin.channel.archive": [admins, (c) => ({ channel: c.channel })],
  "admin.channel.delete": [admins, (c) => ({ channel: c.channel })],
  "admin.invite.create": [admins, () => ({})],
  "admin.invite.list": [admins, () => ({})],
  "admin.invite.revoke": [admins, (c) => ({ invite: c.invite })],
  "admin.nodes": [admins, () => ({})],
  "admin.stats": [admins, () => ({})],
  "admin.backup": [admins, (c) => ({ path: join(c.folder, c.fresh("copy")) })],
  "admin.job": [["unauthenticated", "forbidden", "forbidden", "forbidden", "not_found"], () => ({ job: "none" })],
  // the owner's would end the server: tests of draining do that
  "admin.drain": [["unauthenticated", "forbidden", "forbidden", "forbidden", null], () => ({})],
};

let server;
let accounts;
let serial = 0;
const fresh = (prefix) => `${prefix}-${++serial}`;

/** A private channel of the moderator's with everybody but the outsider in it, and the member's message. */
async function makeContext(token, ownToken) {
  const { moderator, member, owner, extra } = accounts;
  const { channel } = await must(server.url, "channel.create", { name: fresh("secret"), type: "private" }, moderator.token);
  for (const user of [member.id, owner.id, extra.id]) {
    await must(server.url, "channel.invite", { channel: channel.id, user }, moderator.token);
  }
  const { message } = await must(server.url, "message.send", { channel: channel.id, text: "a secret" }, member.token);
  const { invite } = await must(server.url, "admin.invite.create", {}, owner.token);
  const { invites } = await must(server.url, "admin.invite.list", {}, owner.token);
  const other = token && ownToken ? await must(server.url, "auth.login", { name: ownToken, password: PASSWORD }) : await must(server.url, "auth.login", { name: "victim", password: PASSWORD });
  assert.ok(invite);
  return {
    channel: channel.id,
    epoch: channel.epoch,
    message: message.id,
    invite: invites[0].invite,
    ids: Object.fromEntries(Object.entries(accounts).map(([name, { id }]) => [name, id])),
    folder: server.dataDir,
    other: { session: other.session },
    fresh,
  };
}

before(async () => {
  server = await start({ dataDir: temporaryFolder(), env: { PARLEY_RATE_LIMITS: "off", PARLEY_DEFAULT_CHANNELS: "" } });
  accounts = {};
  for (const name of ["owner", "moderator", "member", "outsider", "guest", "extra", "victim"]) {
    accounts[name] = await register(server.url, name);
  }
});
after(() => server?.stop());

test("every command of the table is walked", () => {
  assert.deepEqual(Object.keys(EXPECTED).sort(), commands.map(({ name }) => name).sort());
});

for (const { name } of commands) {
  const row = EXPECTED[name];
  if (row === undefined) continue;
  const [outcomes, params, { ownToken = false } = {}] = row;
  describe(name, () => {
    WHO.forEach((who, i) => {
      if (outcomes[i] === null) return;
      test(`${who}: ${outcomes[i]}`, async () => {
        let token = accounts[who]?.token;
        const context = await makeContext(token, ownToken && accounts[who] ? who : undefined);
        if (token && ownToken) {
          token = (await must(server.url, "auth.login", { name: who, password: PASSWORD })).token;
        }
        const { status, body } = await call(server.url, name, params(context), token);
        assert.equal(status === 200 ? "ok" : body.type, outcomes[i], JSON.stringify(body));
        if (ownToken && who !== "stranger") accounts[who].token = (await must(server.url, "auth.login", { name: who, password: PASSWORD })).token;
      });
    });
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
    if (!params.stream) assert.deepEqual(body, unknown.body, `${command} answers as for what does not exist`);
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
