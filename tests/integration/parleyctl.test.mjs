// parleyctl against a real parleyd: every command, over the admin socket and over the network.

import assert from "node:assert/strict";
import { cpSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { parleyctl } from "../lib/parleyctl.mjs";
import { call, start, temporaryFolder } from "../lib/parleyd.mjs";
import { isSigned, startTarget } from "../lib/target.mjs";

const PASSWORD = "correct horse battery";

let server;
let ctl;
before(async () => {
  server = await start();
  ctl = parleyctl({ PARLEY_DATA: server.dataDir });
  await ctl.with(`${PASSWORD}\n`).ok("user", "create", "alice", "--role", "owner", "--display-name", "Alice Ä");
  await ctl.with(`${PASSWORD}\n`).ok("user", "create", "bob");
});
after(() => server?.stop());

async function login(name, password = PASSWORD, url = server.url) {
  const { status, body } = await call(url, "auth.login", { name, password });
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

const json = async (...args) => JSON.parse(await ctl.ok(...args, "--json"));
const userCalled = async (name) => (await json("user", "list", "--query", name)).users.find((u) => u.name === name);

// --- Accounts --------------------------------------------------------------------------------------------------------

test("user list is a table for people and the server's answer for scripts", async () => {
  const table = (await ctl.ok("user", "list")).split("\n");
  assert.match(table[0], /^NAME +ROLE +PRESENCE +DISABLED +ID +DISPLAY NAME$/);
  const at = table[0].indexOf("DISPLAY NAME");
  const alice = table.find((line) => line.startsWith("alice "));
  assert.match(alice, /^alice +owner +/);
  assert.equal(alice.slice(at), "Alice Ä");
  const { users } = await json("user", "list");
  assert.equal(users.find((u) => u.name === "alice").display_name, "Alice Ä");
});

test("user create refuses a taken name, a bad name and a short password", async () => {
  const taken = await ctl.with(`${PASSWORD}\n`)("user", "create", "bob");
  assert.equal(taken.status, 1);
  assert.match(taken.stderr, /conflict/);
  const bad = await ctl.with(`${PASSWORD}\n`)("user", "create", "Not A Name");
  assert.equal(bad.status, 1);
  assert.match(bad.stderr, /invalid_params.*name/);
  const short = await ctl.with("short\n")("user", "create", "carol");
  assert.equal(short.status, 2);
  assert.match(short.stderr, /8 to 256 bytes/);
  assert.equal(await userCalled("carol"), undefined);
});

test("a password is asked for twice on a terminal, and not shown", async () => {
  const asked = ctl.onTerminal("user", "create", "dora");
  await asked.until(/New password for dora: /);
  asked.type(`${PASSWORD}\r`);
  await asked.until(/The same again: /);
  asked.type(`${PASSWORD}\r`);
  const { status } = await asked.ended();
  assert.equal(status, 0, asked.screen());
  assert.ok(!asked.screen().includes(PASSWORD));
  await login("dora");

  const unequal = ctl.onTerminal("user", "password", "dora");
  await unequal.until(/New password for dora: /);
  unequal.type("something else\r");
  await unequal.until(/The same again: /);
  unequal.type("something elsf\r");
  assert.equal((await unequal.ended()).status, 2);
  assert.match(unequal.screen(), /not the same; nothing was changed/);
  await login("dora");
});

test("user password ends the sessions and the old password", async () => {
  await ctl.with(`${PASSWORD}\n`).ok("user", "create", "erin");
  const { token } = await login("erin");
  const file = join(temporaryFolder(), "password");
  writeFileSync(file, "another password\nsecond line\n", { mode: 0o600 });
  await ctl.ok("user", "password", "@erin", "--password-file", file);
  assert.equal((await call(server.url, "auth.sessions", {}, token)).status, 401);
  assert.equal((await call(server.url, "auth.login", { name: "erin", password: PASSWORD })).status, 401);
  await login("erin", "another password");
});

test("user disable locks an account and ends its sessions; user enable unlocks it", async () => {
  await ctl.with(`${PASSWORD}\n`).ok("user", "create", "frank");
  const { token } = await login("frank");
  assert.equal(await ctl.ok("user", "disable", "frank"), "frank is disabled; all sessions have ended.\n");
  assert.equal((await call(server.url, "auth.sessions", {}, token)).status, 401);
  assert.notEqual((await call(server.url, "auth.login", { name: "frank", password: PASSWORD })).status, 200);
  assert.ok((await userCalled("frank")).disabled_at);
  await ctl.ok("user", "enable", (await userCalled("frank")).id);
  await login("frank");
  const last = await ctl("user", "disable", "alice");
  assert.equal(last.status, 1);
  assert.match(last.stderr, /last owner/);
});

test("user role changes what a user may do", async () => {
  await ctl.with(`${PASSWORD}\n`).ok("user", "create", "gina");
  const { token } = await login("gina");
  const remote = parleyctl({ PARLEY_TOKEN: token });
  const refused = await remote("user", "list", "--server", server.url);
  assert.equal(refused.status, 5);
  assert.match(refused.stderr, /owner's or admin's token/);
  assert.equal(await ctl.ok("user", "role", "gina", "admin"), "gina is an admin now.\n");
  assert.match(await remote.ok("user", "list", "--server", server.url), /^gina +admin/m);
  assert.equal((await ctl("user", "role", "nobody-here", "admin")).status, 6);
});

test("a wrong token exits 4", async () => {
  const { status, stderr } = await parleyctl({ PARLEY_TOKEN: "wrong" })("user", "list", "--server", server.url);
  assert.equal(status, 4);
  assert.match(stderr, /unknown or has expired/);
  assert.doesNotMatch(stderr, /wrong\b.*token/);
});

test("a list of several pages comes whole, or as far as --limit says", async () => {
  const fresh = await start({ args: ["--rate-limits", "off"] });
  const many = parleyctl({ PARLEY_DATA: fresh.dataDir });
  try {
    await many.with(`${PASSWORD}\n`).ok("user", "create", "owner", "--role", "owner");
    const { token } = await login("owner", PASSWORD, fresh.url);
    const names = Array.from({ length: 230 }, (_, i) => `room-${String(i).padStart(3, "0")}`);
    for (const name of names) {
      assert.equal((await call(fresh.url, "channel.create", { name }, token)).status, 200);
    }
    const listed = (await many.ok("channel", "list", "--names")).trimEnd().split("\n");
    assert.deepEqual(listed.filter((name) => name !== "general").sort(), names);
    const pages = (await many.ok("channel", "list", "--json")).trimEnd().split("\n").map(JSON.parse);
    assert.equal(pages.length, 2);
    assert.equal(pages.flatMap((page) => page.channels).length, 231);
    assert.equal((await many.ok("channel", "list", "--names", "--limit", "205")).trimEnd().split("\n").length, 205);
    assert.equal(await many.ok("channel", "list", "--names", "--query", "room-22").then((t) => t.split("\n").length), 11);
  } finally {
    await fresh.stop();
  }
});

// --- Sessions, invites, channels -------------------------------------------------------------------------------------

test("session list and session revoke", async () => {
  await ctl.with(`${PASSWORD}\n`).ok("user", "create", "hugo");
  const { token, session } = await login("hugo");
  assert.match(await ctl.ok("session", "list", "hugo"), new RegExp(`^ID +SIGNED IN[^]*^${session} `, "m"));
  await ctl.ok("session", "revoke", session);
  assert.equal((await call(server.url, "auth.sessions", {}, token)).status, 401);
  const none = await ctl("session", "list", "hugo");
  assert.deepEqual([none.status, none.stdout, none.stderr], [0, "", "There are no sessions.\n"]);
  assert.equal((await ctl("session", "revoke", session)).status, 6);
});

test("bot create, bot list, bot update, bot disable, bot enable", async () => {
  await ctl.with(`${PASSWORD}\n`).ok("user", "create", "botanist");
  assert.equal(await ctl.ok("bot", "create", "rose", "--user", "botanist", "--display-name", "A rose"), "The bot rose is there; it needs a token.\n");
  assert.equal((await ctl("bot", "create", "rose", "--user", "botanist")).status, 1);
  assert.equal((await ctl("bot", "create", "tulip", "--user", "nobody-such")).status, 6);
  await ctl.ok("bot", "update", "rose", "--display-name", "Another rose");
  assert.equal((await ctl("bot", "update", "rose")).status, 2);
  assert.match(await ctl.ok("bot", "list"), /^NAME +DISABLED[^]*^rose +.* Another rose$/m);
  assert.match(await ctl.ok("bot", "list", "--names"), /^rose$/m);
  assert.equal(await ctl.ok("bot", "disable", "@rose"), "@rose is disabled; its connections are closed.\n");
  assert.ok((await json("bot", "list")).users.find((u) => u.name === "rose").disabled_at);
  await ctl.ok("bot", "enable", "rose");
  assert.equal((await json("bot", "list")).users.find((u) => u.name === "rose").disabled_at, undefined);
  assert.equal((await ctl("bot", "disable", "botanist")).status, 6);
});

test("token create, token list, token revoke", async () => {
  await ctl.with(`${PASSWORD}\n`).ok("user", "create", "toni");
  const { token: session } = await login("toni");
  for (const name of ["toni-a", "toni-b"]) assert.equal((await call(server.url, "channel.create", { name }, session)).status, 200);
  const secret = (await ctl.ok("token", "create", "the build", "--user", "toni", "--scopes", "messages:write, channels:read", "--channels", "#toni-a,toni-b", "--expires", "1h")).trimEnd();
  assert.match(secret, /^\S{43}$/);
  const { body } = await call(server.url, "channel.list", {}, secret);
  assert.deepEqual(body.channels.map((c) => c.name), ["toni-a", "toni-b"]);
  const { tokens } = await json("token", "list", "toni");
  assert.deepEqual([tokens.length, tokens[0].name, tokens[0].scopes], [1, "the build", ["messages:write", "channels:read"]]);
  assert.match(await ctl.ok("token", "list", "toni"), new RegExp(`^ID +NAME[^]*^${tokens[0].id} +the build .* 2 +messages:write channels:read$`, "m"));
  await ctl.ok("token", "revoke", tokens[0].id);
  assert.equal((await call(server.url, "channel.list", {}, secret)).status, 401);
  assert.equal((await ctl("token", "list", "toni")).stderr, "There are no tokens.\n");
  assert.equal((await ctl("token", "revoke", tokens[0].id)).status, 6);
  for (const args of [[], ["--scopes", "messages:write", "--expires", "soon"]]) {
    assert.equal((await ctl("token", "create", "x", ...args)).status, 2, args.join(" "));
  }
  const wrong = await ctl("token", "create", "x", "--scopes", "everything");
  assert.match(wrong.stderr, /messages:read/);
  assert.equal((await ctl("token", "create", "x", "--scopes", "messages:write", "--channels", "#nosuch")).status, 6);
});

test("hook create, hook list, hook update, hook rotate, hook disable, hook enable, hook failures, hook redeliver, hook delete", async () => {
  const { token } = await login("alice");
  assert.equal((await call(server.url, "channel.create", { name: "hooked" }, token)).status, 200);
  const post = (path, text) =>
    fetch(server.url + path, { method: "POST", body: JSON.stringify({ text }), headers: { "Content-Type": "application/json" } });
  const path = (await ctl.ok("hook", "create", "incoming", "#hooked", "the build", "--icon", ":gear:")).trimEnd();
  assert.match(path, /^\/hooks\/[a-z0-9]{26}\/\S{43}$/);
  assert.equal((await post(path, "built")).status, 200);
  assert.equal((await fetch(server.url + path, { method: "POST", body: new URLSearchParams({ text: "sailed", username: "Deploy Bot" }) })).status, 200);
  assert.match(await ctl.ok("tail", "#hooked", "--no-follow"), /^\S+ the-build-[a-z0-9]{8}: built\n\S+ the-build-[a-z0-9]{8} as Deploy Bot: sailed$/m);
  const id = path.split("/")[2];
  const url = "https://hook.example/x";
  const secret = (await ctl.ok("hook", "create", "outgoing", "hooked", "out", "--url", url, "--events", "message.created, member.left")).trimEnd();
  assert.match(secret, /^\S{43}$/);
  await ctl.ok("hook", "create", "slash", "#hooked", "Deploy", "--url", url, "--command", "deploy");
  const { hooks } = await json("hook", "list", "#hooked");
  assert.deepEqual(hooks.map((h) => [h.kind, h.name]), [["incoming", "the build"], ["outgoing", "out"], ["slash", "Deploy"]]);
  assert.deepEqual(hooks[1].events, ["message.created", "member.left"]);
  const table = await ctl.ok("hook", "list", "hooked");
  assert.match(table, new RegExp(`^ID +KIND[^]*^${id} +incoming +the build +enabled +20.* -$`, "m"));
  assert.match(table, /slash +Deploy +enabled +never +\/deploy https:\/\/hook\.example\/x$/m);
  assert.equal(await ctl.ok("hook", "update", id, "--name", "CI", "--icon", ""), "The hook is changed.\n");
  assert.deepEqual((await json("hook", "list", "#hooked")).hooks[0].name, "CI");
  assert.equal((await ctl("hook", "update", id)).status, 2);
  assert.equal((await ctl("hook", "update", id, "--url", url)).status, 1); // an incoming one calls nobody
  assert.equal(await ctl.ok("hook", "disable", id), "The hook is disabled.\n");
  assert.equal((await post(path, "x")).status, 403);
  await ctl.ok("hook", "enable", id);
  const rotated = await json("hook", "rotate", id);
  assert.equal((await post(path, "x")).status, 404);
  assert.equal((await post(rotated.path, "again")).status, 200);
  const over = parleyctl({ PARLEY_TOKEN: token });
  assert.match(await over.ok("hook", "rotate", id, "--server", server.url), new RegExp(`^${server.url}/hooks/${id}/\\S{43}\n$`));
  assert.equal((await ctl("hook", "failures", hooks[1].id)).stderr, "Everything was delivered.\n");
  assert.equal((await ctl("hook", "redeliver", hooks[1].id, "7")).status, 6);
  assert.equal((await ctl("hook", "redeliver", hooks[1].id, "seven")).status, 2);
  assert.equal((await ctl("hook", "create", "sideways", "#hooked", "x")).status, 1);
  assert.equal(await ctl.ok("hook", "delete", id), "The hook is gone; what it wrote stays.\n");
  assert.equal((await ctl("hook", "delete", id)).status, 6);
  assert.equal((await ctl("hook", "list", "#nowhere")).status, 6);
});

test("a slash command by hook create, hook update, hook rotate and hook delete; slash list, slash run", async (t) => {
  const target = await startTarget();
  t.after(() => target.stop());
  const own = await start({ env: { PARLEY_OUTBOUND_ALLOW: "127.0.0.1" } });
  t.after(() => own.stop());
  const there = parleyctl({ PARLEY_DATA: own.dataDir });
  const answer = async (...args) => JSON.parse(await there.ok(...args, "--json"));
  const early = await there("slash", "run", "#ops", "deploy");
  assert.equal(early.status, 1);
  assert.match(early.stderr, /there is no account yet to write as/);
  await there.with(`${PASSWORD}\n`).ok("user", "create", "alice", "--role", "owner");
  const { token } = await login("alice", PASSWORD, own.url);
  assert.equal((await call(own.url, "channel.create", { name: "ops" }, token)).status, 200);
  assert.match((await there("slash", "list", "#ops")).stderr, /^There are no slash commands here.*parleyctl help hook create\n$/);

  const secret = (await there.ok("hook", "create", "slash", "#ops", "Deployer", "--icon", ":ship:", "--url", target.url("/a"), "--command", "deploy")).trimEnd();
  assert.match(await there.ok("slash", "list", "ops"), /^COMMAND +NAME +ICON\n\/deploy +Deployer +:ship:\n$/);
  assert.deepEqual((await answer("slash", "list", "ops")).commands, [{ command: "deploy", name: "Deployer", icon: ":ship:" }]);

  target.answer = () => ({ body: { text: "on it\u001b[2J\nsoon" } });
  assert.equal(await there.ok("slash", "run", "#ops", "deploy", "api to staging"), "on it\\x1b[2J\nsoon\n");
  const [first] = target.requests;
  assert.ok(isSigned(secret, first.headers, first.body));
  assert.deepEqual(["command", "text", "user_name"].map((k) => new URLSearchParams(first.body).get(k)), ["/deploy", "api to staging", "alice"]);
  assert.equal((await answer("slash", "run", "ops", "/deploy")).text, "on it\u001b[2J\nsoon");
  target.answer = () => ({ body: { response_type: "in_channel", text: "deployed" } });
  assert.equal(await there.ok("slash", "run", "ops", "deploy"), "deployed\n");
  assert.match(await there.ok("tail", "ops", "--no-follow"), /^\S+ deployer-\S+: deployed$/m);
  target.answer = () => ({ status: 200 });
  assert.equal(await there.ok("slash", "run", "ops", "deploy"), "");
  target.answer = () => ({ status: 500 });
  const failed = await there("slash", "run", "ops", "deploy");
  assert.equal(failed.status, 7);
  assert.match(failed.stderr, /\/deploy failed: its target answered with status 500/);
  assert.equal((await there("slash", "run", "ops", "nothing")).status, 6);

  const { id } = (await answer("hook", "list", "#ops")).hooks[0];
  assert.match(await there.ok("hook", "list", "#ops"), /slash +Deployer +failing .*\/deploy http:.*\(.*status 500\)$/m);
  const rotated = (await there.ok("hook", "rotate", id)).trimEnd();
  assert.notEqual(rotated, secret);
  target.answer = () => ({ body: { text: "here" } });
  await there.ok("hook", "update", id, "--command", "ship", "--url", target.url("/b"), "--name", "Shipper", "--icon", "");
  assert.equal((await there("slash", "run", "ops", "deploy")).status, 6);
  const over = parleyctl({ PARLEY_TOKEN: token });
  assert.equal(await over.ok("slash", "run", "ops", "ship", "--server", own.url, "--", "-n"), "here\n");
  const last = target.requests.at(-1);
  assert.equal(last.path, "/b");
  assert.equal(new URLSearchParams(last.body).get("text"), "-n");
  assert.ok(isSigned(rotated, last.headers, last.body));
  assert.match(await there.ok("slash", "list", "ops"), /^\/ship +Shipper +-$/m);
  await there.ok("hook", "disable", id);
  assert.equal((await there("slash", "run", "ops", "ship")).status, 6);
  await there.ok("hook", "enable", id);
  assert.equal(await there.ok("slash", "run", "ops", "ship"), "here\n");
  await there.ok("hook", "delete", id);
  assert.deepEqual((await answer("slash", "list", "ops")).commands, []);
});

test("slash run says on a terminal who sees the answer", async (t) => {
  const target = await startTarget();
  t.after(() => target.stop());
  const own = await start({ env: { PARLEY_OUTBOUND_ALLOW: "127.0.0.1" } });
  t.after(() => own.stop());
  const there = parleyctl({ PARLEY_DATA: own.dataDir });
  await there.with(`${PASSWORD}\n`).ok("user", "create", "alice", "--role", "owner");
  const { token } = await login("alice", PASSWORD, own.url);
  assert.equal((await call(own.url, "channel.create", { name: "ops" }, token)).status, 200);
  await there.ok("hook", "create", "slash", "#ops", "Deployer", "--url", target.url(), "--command", "deploy");
  for (const [body, said] of [
    [{ response_type: "in_channel", text: "done" }, /^done\r\nEverybody in the channel sees this\.\r\n$/],
    ["", /^It was taken; there is no answer yet\.\r\n$/],
  ]) {
    target.answer = () => ({ body });
    const { status, stdout } = await there.onTerminal("slash", "run", "#ops", "deploy").ended();
    assert.equal(status, 0);
    assert.match(stdout, said);
  }
});

test("invite create, invite list, invite revoke", async () => {
  const own = await start({ args: ["--registration", "invite"] });
  const here = parleyctl({ PARLEY_DATA: own.dataDir });
  try {
    await here.with(`${PASSWORD}\n`).ok("user", "create", "owner", "--role", "owner");
    const invite = (await here.ok("invite", "create", "--uses", "2", "--expires", "1h")).trimEnd();
    const register = (name) => call(own.url, "auth.register", { name, password: PASSWORD, invite });
    assert.equal((await register("ines")).status, 200);
    const { invites } = JSON.parse(await here.ok("invite", "list", "--json"));
    assert.equal(invites.length, 1);
    assert.equal(invites[0].uses_left, 1);
    const left = Date.parse(invites[0].expires_at) - Date.now();
    assert.ok(left > 50 * 60_000 && left <= 60 * 60_000, `${left} ms`);
    assert.match(await here.ok("invite", "list"), new RegExp(`^${invites[0].invite} +1 `, "m"));
    await here.ok("invite", "revoke", invites[0].invite);
    assert.equal((await here("invite", "list")).stderr, "There are no invites.\n");
    assert.equal((await register("ivan")).status, 403);
    assert.match(await here.ok("invite", "create"), /^\S+\n$/);
    assert.match(await here.ok("invite", "list"), / never$/m);
  } finally {
    await own.stop();
  }
});

test("channel list, channel archive, channel delete", async () => {
  const { token } = await login("alice");
  for (const name of ["old", "older"]) {
    assert.equal((await call(server.url, "channel.create", { name, topic: "Über alles" }, token)).status, 200);
  }
  assert.match(await ctl.ok("channel", "list"), /^#old +public +1 .* Über alles$/m);
  assert.equal(await ctl.ok("channel", "archive", "#old"), "#old is archived.\n");
  assert.ok((await json("channel", "list", "--query", "old")).channels.find((c) => c.name === "old").archived_at);
  assert.equal((await ctl("send", "old", "too late")).status, 1);
  assert.equal((await ctl("channel", "archive", "nowhere")).status, 6);

  const asked = ctl.onTerminal("channel", "delete", "#older");
  await asked.until(/Type its name to go on: /);
  asked.type("old\r");
  assert.equal((await asked.ended()).status, 2);
  const sure = ctl.onTerminal("channel", "delete", "#older");
  await sure.until(/Type its name to go on: /);
  sure.type("older\r");
  assert.equal((await sure.ended()).status, 0, sure.screen());
  await ctl.ok("channel", "delete", "old", "--yes");
  assert.doesNotMatch(await ctl.ok("channel", "list"), /#old/);
});

// --- Messages --------------------------------------------------------------------------------------------------------

test("send: by argument, from standard input, by a token, as a direct message", async () => {
  const sent = await json("send", "#general", "from the socket");
  assert.equal(sent.message.text, "from the socket");
  assert.equal(sent.message.author, (await userCalled("alice")).id);
  assert.equal(await ctl.with("from stdin\n").ok("send", "general"), "");
  assert.equal(await ctl.with("one\ntwo\n\n").ok("send", "general", "-"), "");
  const { token } = await login("bob");
  await parleyctl({ PARLEY_TOKEN: token }).ok("send", "general", "--server", server.url, "--", "--from bob");
  const direct = await json("send", "@bob", "psst");
  assert.notEqual(direct.message.channel, sent.message.channel);
  const again = await json("send", "@bob", "psst again");
  assert.equal(again.message.channel, direct.message.channel);
  const shown = await ctl.ok("tail", "general", "--no-follow", "-n", "4");
  assert.match(
    shown,
    /^\d\d:\d\d:\d\d alice: from the socket\n\S+ alice: from stdin\n\S+ alice: one\n {11}two\n {11}\n\S+ bob: --from bob\n$/,
  );
  assert.equal((await ctl("send", "#nowhere", "x")).status, 6);
  assert.equal((await ctl("send", "@nobody-here", "x")).status, 6);
});

test("send: the same id is the same message", async () => {
  const first = await json("send", "general", "only once", "--client-msg-id", "job 17");
  const second = await json("send", "general", "only once", "--client-msg-id", "job 17");
  assert.equal(second.message.id, first.message.id);
});

// Hands requests on to the admin socket of DATADIR. The first answer is thrown away, after LOST().
async function forgetfulProxy(dataDir, lost) {
  const path = join(temporaryFolder(), "proxy.sock");
  let requests = 0;
  const proxy = createServer((incoming, outgoing) => {
    const first = requests++ === 0;
    const { method, url, headers } = incoming;
    const onward = request({ socketPath: join(dataDir, "admin.sock"), method, path: url, headers }, async (answer) => {
      if (!first) {
        outgoing.writeHead(answer.statusCode, answer.headers);
        return answer.pipe(outgoing);
      }
      for await (const _ of answer); // the message is stored
      await lost();
      return incoming.socket.destroy();
    });
    incoming.pipe(onward);
  });
  await new Promise((resolve) => proxy.listen(path, resolve));
  return { path, requests: () => requests, close: () => proxy.close() };
}

test("send: a message whose answer is lost with the server is sent again, and is one message", async () => {
  let current = await start();
  const { dataDir } = current;
  const here = parleyctl({ PARLEY_DATA: dataDir });
  await here.with(`${PASSWORD}\n`).ok("user", "create", "owner", "--role", "owner");
  const proxy = await forgetfulProxy(dataDir, async () => {
    await current.kill();
    current = await start({ dataDir });
  });
  try {
    const { message } = JSON.parse(await here.ok("send", "general", "once", "--json", "--socket", proxy.path));
    assert.equal(proxy.requests(), 2);
    const history = (await here.ok("tail", "general", "--no-follow", "--json")).trimEnd().split("\n").map(JSON.parse);
    assert.deepEqual(history.map((event) => event.params.message.id), [message.id]);
  } finally {
    proxy.close();
    await current.stop();
  }
});

test("tail shows what happens, by name and in order", async () => {
  const { token } = await login("alice");
  const { body } = await call(server.url, "channel.create", { name: "watched", topic: "" }, token);
  const { id } = body.channel;
  const { token: bobs } = await login("bob");
  await ctl.ok("send", "watched", "before");
  const tail = ctl.follow("tail", "#watched");
  await tail.until(/alice: before\n/);
  await call(server.url, "channel.join", { channel: id }, bobs);
  const { body: hello } = await call(server.url, "message.send", { channel: id, text: "hello\n\u001b[2Jthere" }, bobs);
  await call(server.url, "message.edit", { message: hello.message.id, text: "hello again" }, bobs);
  await tail.until(/hello again\n/); // what a deleted message said is not told any more
  await call(server.url, "message.delete", { message: hello.message.id }, token);
  await call(server.url, "channel.update", { channel: id, topic: "Now with a topic" }, token);
  await call(server.url, "channel.leave", { channel: id }, bobs);
  await tail.until(/\* bob left\n/);
  await tail.stop();
  const lines = tail.text().replaceAll(/\d\d:\d\d:\d\d/g, "T").split("\n");
  assert.deepEqual(lines.slice(lines.indexOf("T alice: before")), [
    "T alice: before",
    "T * bob joined",
    "T bob: hello",
    "           \\x1b[2Jthere",
    "T * bob edited the message of T: hello again",
    "T * alice deleted the message of bob of T",
    "T * alice changed the channel: #watched, topic: Now with a topic",
    "T * bob left",
    "",
  ]);
  assert.match(await ctl.ok("tail", "watched", "--no-follow"), /bob: \(deleted\)\n$/);
  assert.equal((await ctl("tail", "nowhere")).status, 6);
});

test("tail over the admin socket follows a private channel that the owner is not in; over the network it does not", async () => {
  const { token } = await login("bob");
  const { body: made } = await call(server.url, "channel.create", { name: "bobs-own", type: "private" }, token);
  const say = (text) => call(server.url, "message.send", { channel: made.channel.id, text }, token);
  await say("before");
  const tail = ctl.follow("tail", "#bobs-own");
  await tail.until(/bob: before\n/);
  await say("after");
  await tail.until(/bob: after\n/);
  await say("and again"); // the wait after an event that was waited for
  await tail.until(/bob: and again\n/);
  await tail.stop();
  const { token: alices } = await login("alice");
  assert.equal((await parleyctl({ PARLEY_TOKEN: alices })("tail", "bobs-own", "--server", server.url)).status, 6);
  await call(server.url, "channel.create", { name: "bobs-public" }, token);
  const outside = await parleyctl({ PARLEY_TOKEN: alices })("tail", "bobs-public", "--server", server.url);
  assert.equal(outside.status, 5, outside.stderr);
  assert.match(outside.stderr, /only members can follow a channel/);
});

test("tail goes on over a restart: nothing missing, nothing twice, in order", async () => {
  let current = await start();
  const { dataDir } = current;
  const here = parleyctl({ PARLEY_DATA: dataDir });
  await here.with(`${PASSWORD}\n`).ok("user", "create", "owner", "--role", "owner");
  const texts = Array.from({ length: 40 }, (_, i) => `message ${i}.`);
  let tail;
  try {
    for (const text of texts.slice(0, 5)) await here.ok("send", "general", text);
    tail = here.follow("tail", "general", "-n", "3", "--json");
    await tail.until(/"message 4\."/);
    for (const [i, text] of texts.entries()) {
      if (i < 5) continue;
      if (i === 15 || i === 30) {
        await tail.until(new RegExp(`"message ${i - 1}\\."`)); // it is not away any more from the time before
        await (i === 15 ? current.kill() : current.stop());
        await tail.until(new RegExp(`(is away[^]*){${i / 15}}`), "stderr");
        current = await start({ dataDir });
      }
      await here.ok("send", "general", text);
    }
    await tail.until(/"message 39\."/);
  } finally {
    await tail?.stop();
    await current.stop();
  }
  const events = tail.text().trimEnd().split("\n").map(JSON.parse);
  const shown = events.map((event) => event.params.message?.text).filter(Boolean);
  assert.deepEqual(shown, texts.slice(2));
});

test("tail tells when the channel was restored from a backup, and goes on", async () => {
  let current = await start();
  const { dataDir } = current;
  const here = parleyctl({ PARLEY_DATA: dataDir });
  await here.with(`${PASSWORD}\n`).ok("user", "create", "owner", "--role", "owner");
  await here.ok("send", "general", "kept");
  const tail = here.follow("tail", "general");
  try {
    await tail.until(/owner: kept\n/);
    const copy = join(temporaryFolder(), "copy.db");
    await here.ok("backup", copy);
    await here.ok("send", "general", "lost");
    await tail.until(/owner: lost\n/);
    await current.stop();
    for (const end of ["", "-wal", "-shm"]) rmSync(join(dataDir, `parley.db${end}`), { force: true });
    cpSync(copy, join(dataDir, "parley.db"));
    current = await start({ dataDir });
    await tail.until(/restored from a backup/, "stderr");
    await here.ok("send", "general", "after");
    await tail.until(/owner: after\n/);
  } finally {
    await tail.stop();
    await current.stop();
  }
  const lines = tail.text().replaceAll(/\d\d:\d\d:\d\d/g, "T").trimEnd().split("\n");
  assert.deepEqual(lines, ["T owner: kept", "T owner: lost", "T owner: kept", "T owner: after"]);
});

test("a server without accounts is told from one that is not there", async () => {
  const own = await start();
  try {
    const { status, stderr } = await parleyctl({ PARLEY_DATA: own.dataDir })("send", "general", "x");
    assert.equal(status, 1);
    assert.match(stderr, /there is no account yet/);
  } finally {
    await own.stop();
  }
});

// --- The server ------------------------------------------------------------------------------------------------------

test("stats and version", async () => {
  const { users, messages } = await json("stats");
  assert.ok(users >= 2 && messages >= 1);
  assert.match(await ctl.ok("stats"), new RegExp(`^users +${users}$`, "m"));
  const { parleyctl: own, parleyd } = await json("version");
  assert.equal(own, parleyd.version);
});

test("health", async () => {
  assert.equal(await ctl.ok("health"), "ok\n");
  assert.equal(await ctl.ok("health", "--ready"), "ready\n");
});

test("backup writes a verified copy on which a server starts", async () => {
  await ctl.ok("send", "general", "in the backup");
  const dataDir = temporaryFolder();
  const path = join(dataDir, "parley.db");
  assert.equal(await ctl.ok("backup", path), `Verified: ${path} is a complete copy.\n`);
  assert.ok(existsSync(path));
  const again = await ctl("backup", path);
  assert.equal(again.status, 1);
  assert.match(again.stderr, /the backup failed: .*parley\.db/);
  const copy = await start({ dataDir });
  try {
    const there = parleyctl({ PARLEY_DATA: dataDir });
    assert.match(await there.ok("tail", "general", "--no-follow"), /alice: in the backup\n/);
    assert.equal((await there("user", "list", "--json")).stdout, (await ctl("user", "list", "--json")).stdout);
  } finally {
    await copy.stop();
  }
  const job = await json("backup", join(temporaryFolder(), "again.db"));
  assert.deepEqual([job.state, job.step, job.unit, job.done, job.total], ["done", "checking", "checks", 3, 3]);
});

test("drain --wait ends the server; rebuild wants it ended and changes nothing that can be seen", async () => {
  const own = await start();
  const here = parleyctl({ PARLEY_DATA: own.dataDir });
  await here.with(`${PASSWORD}\n`).ok("user", "create", "owner", "--role", "owner");
  for (const text of ["one", "two", "three"]) await here.ok("send", "general", text);
  const state = async () =>
    Promise.all(["user list --json", "channel list --json", "tail general --no-follow --json"].map((c) => here.ok(...c.split(" "))));
  const before = await state();
  const locked = await here("rebuild");
  assert.equal(locked.status, 9);
  assert.match(locked.stderr, /nothing was changed: .*in use by another parleyd/);
  await here.ok("drain", "--wait");
  assert.deepEqual(await own.exited, { code: 0, signal: null });
  const rebuilt = await here("rebuild");
  assert.equal(rebuilt.status, 0, rebuilt.stderr);
  assert.equal(rebuilt.stdout, "The tables are rebuilt.\n");
  assert.match(rebuilt.stderr, /replaying: \d+ events in /);
  const again = await start({ dataDir: own.dataDir });
  try {
    assert.deepEqual(await state(), before);
  } finally {
    await again.stop();
  }
});

test("rebuild shows a bar on a terminal, and refuses what is no database", async () => {
  const own = await start();
  const here = parleyctl({ PARLEY_DATA: own.dataDir });
  await here.with(`${PASSWORD}\n`).ok("user", "create", "owner", "--role", "owner");
  await own.stop();
  const shown = here.onTerminal("rebuild");
  assert.equal((await shown.ended()).status, 0, shown.screen());
  assert.match(shown.screen(), /\r\u001b\[K?.*replaying: \d+ events in/);
  const dataDir = temporaryFolder();
  const none = await parleyctl({ PARLEY_DATA: dataDir })("rebuild");
  assert.equal(none.status, 9);
  assert.match(none.stderr, /there is no database/);
  writeFileSync(join(dataDir, "parley.db"), "this is not a database, but it is long enough to be read as one");
  const garbage = await parleyctl({ PARLEY_DATA: dataDir })("rebuild");
  assert.equal(garbage.status, 9);
  assert.match(garbage.stderr, /nothing was changed: .*not a database/);
});
