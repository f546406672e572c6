// Every command answers, and every event comes, as the server's own description says: each is called or caused at least
// once, and neither has a member too many or too few.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Client } from "../lib/client.mjs";
import { call, start } from "../lib/parleyd.mjs";
import { eventually } from "../lib/process.mjs";
import { describe as description } from "../lib/protocol-page.mjs";
import { schema as described } from "../lib/schema.mjs";
import { startTarget } from "../lib/target.mjs";

const PASSWORD = "correct horse";
const schema = described();
const called = new Set();
const seen = new Set();
const came = new Set(); // members of events: "message.created.message.text" // events

let server;
let ann; // the owner: { token, user, socket }
let bob;

before(async () => {
  server = await start({ env: { PARLEY_RATE_LIMITS: "off", PARLEY_OUTBOUND_ALLOW: "127.0.0.1", PARLEY_HOOK_ATTEMPTS: "1" } });
});
after(() => server?.stop());

/** An event that came. */
function take({ method, params }) {
  seen.add(method);
  for (const name of members(params)) came.add(method + name);
}

function checked(command, result) {
  assert.deepEqual(schema.result(command, result), [], command);
  called.add(command);
  if (command === "stream.events") result.events.forEach(take);
  return result;
}

async function http(command, params, token) {
  const { status, body } = await call(server.url, command, params, token);
  assert.equal(status, 200, `${command}: ${JSON.stringify(body)}`);
  return checked(command, body);
}

const by = (person) => async (command, params = {}) => checked(command, await person.socket.request(command, params));

async function enter(command, params) {
  const { token, user } = await http(command, { password: PASSWORD, ...params });
  const socket = await Client.open(server.url, { token });
  checked("session.start", socket.started);
  return { token, user, socket };
}

/** The names of all members of a value, those of the items of a list as one. */
function members(value, at = "") {
  if (Array.isArray(value)) return value.flatMap((item) => members(item, `${at}[]`));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [`${at}.${name}`, ...members(member, `${at}.${name}`)]);
}

function assertEvents(person) {
  for (const event of person.socket.events) {
    assert.deepEqual(schema.event(event), [], JSON.stringify(event));
    take(event);
  }
}

test("before signing in, and signing in", async () => {
  assert.equal((await http("server.info", {})).setup, "open");
  ann = await enter("auth.register", { name: "ann", display_name: "Ann" });
  bob = await enter("auth.register", { name: "bob" });
  assert.equal((await http("server.info", {})).setup, "none");
});

test("channels, their members and their messages", async () => {
  const [asAnn, asBob] = [by(ann), by(bob)];
  const { channel } = await asAnn("channel.create", { name: "plans", topic: "lunch" });
  const at = { channel: channel.id };
  await asAnn("channel.invite", { ...at, user: bob.user.id });
  await bob.socket.event("channel.joined", ({ channel: c }) => c.id === channel.id);
  await asBob("channel.leave", at);
  await bob.socket.event("channel.left");
  await asBob("channel.get", at);
  await asBob("channel.join", at);
  await asBob("channel.get", { channel: "#plans" });
  await asBob("channel.list", { limit: 1 });
  await asAnn("channel.members", { ...at, limit: 1 });
  await asAnn("channel.update", { ...at, topic: "dinner" });

  const { message } = await asBob("message.send", { ...at, text: "hello @ann", client_msg_id: "1" });
  assert.deepEqual(message.mentions, [ann.user.id]);
  await asBob("message.edit", { message: message.id, text: "hi @ann" });
  await asAnn("message.get", { message: message.id });
  await asAnn("message.history", at);
  await asAnn("read.mark", { ...at, seq: message.seq });
  await asAnn("message.delete", { message: message.id });
  await asAnn("message.history", at);
  await asAnn("typing.start", at);
  await bob.socket.event("typing");

  const { epoch } = channel;
  await asAnn("stream.events", { stream: `c:${channel.id}`, epoch, after: 0 });
  const own = Object.entries(bob.socket.started.streams)[0];
  await asBob("stream.events", { stream: own[0], epoch: own[1].epoch, after: 0 });

  await asAnn("channel.remove", { ...at, user: bob.user.id });
  await asAnn("channel.archive", at);
  await asBob("dm.open", { users: [ann.user.id] });
  await ann.socket.event("channel.joined", ({ channel: c }) => c.type === "dm");
});

test("users and who is there", async () => {
  const [asAnn, asBob] = [by(ann), by(bob)];
  await asAnn("user.get", { user: "@bob" });
  await asAnn("user.list", { limit: 1 });
  await asBob("user.update", { display_name: "Bobby" });
  await ann.socket.event("user.updated");
  await asBob("presence.set", { state: "dnd" });
  await ann.socket.event("presence.changed", ({ state }) => state === "dnd");
  await asAnn("presence.get", { users: [bob.user.id, "nobody"] });
});

test("coming back where one was", async () => {
  const { channels, streams } = bob.socket.started;
  const positions = [...channels.map(({ id, ...view }) => [`c:${id}`, view]), ...Object.entries(streams)];
  const again = await Client.open(server.url, {
    token: bob.token,
    streams: Object.fromEntries(positions.map(([stream, { epoch, seq }]) => [stream, { epoch, seq }])),
  });
  checked("session.start", again.started);
  assert.ok(again.started.channels.some((channel) => channel.resumed));
  assert.deepEqual(Object.values(again.started.streams).map((stream) => stream.resumed), [true]);
  await again.close();
});

test("sessions and passwords", async () => {
  const second = await enter("auth.login", { name: "bob" });
  const { sessions } = await by(bob)("auth.sessions");
  assert.equal(sessions.filter((session) => session.current).length, 1);
  await by(bob)("auth.revoke", { session: second.socket.started.session });
  await second.socket.event("session.revoked");
  assertEvents(second);
  const third = await enter("auth.login", { name: "bob" });
  await http("auth.logout", {}, third.token);
  await by(bob)("auth.password", { old: PASSWORD, new: "another horse" });
});

test("tokens and bots", async () => {
  const asBob = by(bob);
  const { user } = await asBob("bot.create", { name: "builder" });
  await asBob("bot.update", { bot: user.id, display_name: "The builder" });
  await asBob("bot.list");
  const { channel } = await asBob("channel.create", { name: "builds" });
  const params = { name: "ci", scopes: ["messages:read", "users:read"], channels: [channel.id], expires_in_s: 60 };
  const { token, secret } = await asBob("token.create", { ...params, user: user.id });
  const socket = await Client.open(server.url, { token: secret });
  checked("session.start", socket.started);
  await socket.close();
  await http("user.get", { user: user.id }, secret);
  await asBob("token.list", { user: user.id });
  await asBob("token.revoke", { token: token.id });
  await asBob("token.create", { name: "mine", scopes: ["users:read"] });
  await asBob("token.list");
  await asBob("bot.disable", { bot: user.id, disabled: true });
});

test("webhooks and slash commands", async () => {
  const asBob = by(bob);
  const { channel } = await asBob("channel.create", { name: "hooked" });
  const { hook } = await asBob("hook.create", { kind: "incoming", channel: "#hooked", name: "CI", icon: ":ship:" });
  const url = "https://hook.example/";
  const events = ["message.created", "member.left"];
  const out = await asBob("hook.create", { kind: "outgoing", channel: channel.id, name: "Out", url, events, trigger: "now" });
  await asBob("hook.create", { kind: "slash", channel: channel.id, name: "Slash", url, command: "lunch" });
  await asBob("hook.list", { channel: channel.id });
  await asBob("hook.update", { hook: out.hook.id, events: ["member.joined"], enabled: false });
  await asBob("hook.rotate", { hook: hook.id });
  await asBob("hook.failures", { hook: out.hook.id, limit: 1 });
  await asBob("hook.delete", { hook: hook.id });

  // with a target that takes no event, but commands
  const target = await startTarget();
  target.answer = ({ path }) => (path === "/command" ? { body: { response_type: "in_channel", text: "soup" } } : { status: 500 });
  await asBob("hook.update", { hook: out.hook.id, url: target.url(), events, trigger: "", enabled: true });
  const { message } = await asBob("message.send", { channel: channel.id, text: "hello" });
  const letter = await eventually("a dead letter", async () => (await asBob("hook.failures", { hook: out.hook.id })).failures[0]);
  assert.equal(letter.seq, message.seq);
  await asBob("hook.redeliver", { hook: out.hook.id, seq: letter.seq });
  await asBob("slash.list", { channel: channel.id });
  const { hooks } = await asBob("hook.list", { channel: channel.id });
  await asBob("hook.update", { hook: hooks.find((one) => one.kind === "slash").id, url: target.url("/command") });
  assert.equal((await asBob("slash.run", { channel: channel.id, command: "lunch", text: "today" })).message.text, "soup");
  const { response_url: later } = Object.fromEntries(new URLSearchParams(target.requests.at(-1).body));
  await http("slash.answer", { token: later.slice(later.lastIndexOf("/") + 1), text: "and bread" });
  await bob.socket.event("slash.answered", ({ text }) => text === "and bread");
  await target.stop();
});

test("what admins do", async () => {
  const asAnn = by(ann);
  const { invite } = await asAnn("admin.invite.create", { uses: 3, expires_in_s: 3600 });
  assert.ok(invite.length > 20);
  const { invites } = await asAnn("admin.invite.list");
  await asAnn("admin.invite.revoke", { invite: invites[0].invite });
  await asAnn("admin.user.create", { name: "eve", password: PASSWORD });
  await asAnn("admin.user.list", { limit: 1 });
  await asAnn("admin.user.role", { user: "@eve", role: "admin" });
  await asAnn("admin.user.password", { user: "@eve", password: "another horse" });
  const eve = await enter("auth.login", { name: "eve", password: "another horse" });
  await asAnn("admin.session.list", { user: "@eve" });
  await asAnn("admin.session.revoke", { session: eve.socket.started.session });
  assert.equal((await asAnn("admin.user.disable", { user: "@eve", disabled: true })).user.disabled_at !== undefined, true);
  await asAnn("admin.channel.list");
  await asAnn("channel.create", { name: "waste" });
  await asAnn("admin.channel.archive", { channel: "#waste" });
  await asAnn("admin.channel.delete", { channel: "#waste" });
  await asAnn("admin.stats");
  const { nodes } = await asAnn("admin.nodes");
  assert.deepEqual(nodes.map((node) => node.self), [true]);

  const path = join(server.dataDir, "copy.db");
  const { job } = await asAnn("admin.backup", { path });
  let state;
  const end = Date.now() + 60_000;
  do state = await asAnn("admin.job", { job });
  while (state.state === "running" && Date.now() < end);
  assert.equal(state.state, "done", JSON.stringify(state));
  assert.ok(existsSync(path));
});

test("the server stops", async () => {
  await assert.rejects(by(ann)("admin.drain", { node: "nobody" }), /no node of that name|not_found/);
  await by(ann)("admin.drain");
  await Promise.all([ann, bob].map(({ socket }) => socket.event("server.draining")));
  await Promise.all([ann, bob].map(({ socket }) => socket.ended));
  assert.equal(ann.socket.closed.code, 4000);
});

test("all events were as described", () => {
  assertEvents(ann);
  assertEvents(bob);
});

test("the examples of events have no member that never came", () => {
  const { messages } = schema.asyncapi.components;
  const { events } = description();
  const missing = events.flatMap(({ name }) => messages[name].examples.flatMap(({ payload }) => members(payload.params).map((member) => name + member)));
  assert.ok(missing.length > events.length);
  assert.deepEqual(missing.filter((member) => !came.has(member)), []);
});

test("nothing was left out", () => {
  const { commands, events } = description();
  const missing = (rows, set) => rows.map(({ name }) => name).filter((name) => !set.has(name));
  assert.deepEqual(missing(events, seen), []);
  assert.deepEqual(missing(commands, called), []);
});
