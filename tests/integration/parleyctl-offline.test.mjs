// parleyctl without a parleyd: its command line, its files, and servers that are not there or not what they should be.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { parleyctl } from "../lib/parleyctl.mjs";
import { temporaryFolder } from "../lib/parleyd.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const folder = temporaryFolder();
const ctl = parleyctl({ PARLEY_DATA: folder });

const servers = [];
after(() => servers.forEach((server) => server.close()));

// A server on DATA/admin.sock of a new folder that answers every request with ANSWER(request, response).
async function peer(answer, create = createServer) {
  const dataDir = temporaryFolder();
  const server = create(answer);
  servers.push(server);
  await new Promise((resolve) => server.listen(join(dataDir, "admin.sock"), resolve));
  return parleyctl({ PARLEY_DATA: dataDir });
}

function answers(body, { status = 200, type = "application/json" } = {}) {
  return (request, response) => {
    request.resume();
    response.writeHead(status, { "Content-Type": type, Connection: "close" });
    response.end(typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body));
  };
}

// --- The command line ------------------------------------------------------------------------------------------------

test("a wrong command line exits 2, says what is wrong and sends nothing", async () => {
  const rows = [
    [[], /a command is missing/],
    [["frobnicate"], /no command `frobnicate`/],
    [["user", "lst"], /did you mean `user list`/],
    [["user", "role", "bob"], /wants ROLE/],
    [["user", "role", "bob", "king"], /a role is one of member admin owner, not `king`/],
    [["user", "list", "--limit", "0"], /--limit is a number from 1/],
    [["user", "list", "--limit", "-1"], /--limit is a number from 1/],
    [["invite", "create", "--expires", "tomorrow"], /--expires is a time such as/],
    [["send", "general", "a", "b"], /between quotes/],
    [["send", "general", "x", "--client-msg-id", "ü"], /printable ASCII/],
    [["send", "general", ""], /the message is empty/],
    [["send", "general", "x".repeat(16385)], /longer than the 16384 bytes/],
    [["stats", "--color", "maybe"], /--color is one of auto always never/],
    [["stats", "--token", "t"], /a token goes with --server/],
    [["stats", "--server", "chat.example.org", "--token", "t"], /--server wants a URL/],
    [["stats", "--server", "https://u:p@chat.example.org", "--token", "t"], /no user or password in the URL/],
    [["stats", "--server", "http://127.0.0.1:1", "--data", "."], /exclude each other/],
    [["stats", "--server", "http://127.0.0.1:1", "--token", "two words"], /the token is empty, too long/],
    [["backup", "x.db", "--server", "http://127.0.0.1:1", "--token", "t"], /must begin with \//],
    [["completion", "tcsh"], /a shell is one of bash zsh fish/],
    [["channel", "delete", "general"], /no terminal to ask on/],
  ];
  for (const [args, message] of rows) {
    const { status, stdout, stderr } = await ctl(...args);
    assert.equal(status, 2, `${args}: ${stderr}`);
    assert.match(stderr, message);
    assert.equal(stdout, "");
  }
});

test("help and version need no server", async () => {
  assert.match(await ctl.ok("help"), /user create NAME[^]*Exit codes/);
  assert.match(await ctl.ok("user", "create", "--help"), /--password-file FILE/);
  assert.match(await ctl.ok("help", "send"), /client-msg-id/);
  assert.match(await ctl.ok("--version"), /^parleyctl \d+\.\d+\.\d+\n$/);
  assert.match(await ctl.ok("version"), /^parleyctl \d.*\nparleyd {3}No such file/);
});

test("health says with its status whether the server lives or is ready", async () => {
  const plain = (body, status) => answers(body, { status, type: "text/plain; charset=utf-8" });
  const asked = [];
  const ready = await peer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    plain("ready\n", 200)(request, response);
  });
  assert.equal(await ready.ok("health"), "ready\n");
  assert.deepEqual(JSON.parse(await ready.ok("health", "--ready", "--json")), { ok: true, text: "ready" });
  assert.deepEqual(asked, ["GET /healthz", "GET /readyz"]);
  const not = await (await peer(plain("dis\u001bk full\nmore\n", 503)))("health", "--ready");
  assert.equal(not.status, 7);
  assert.match(not.stderr, /the server answers 503: dis\\x1bk full\n/);
  assert.equal(not.stdout, "");
  assert.equal((await (await peer(answers({ ok: 1 })))("health")).status, 8);
  assert.equal((await (await peer(answers("", { type: "text/plain" })))("health")).status, 0);
  assert.equal((await ctl("health")).status, 3);
});

test("the manual pages and completion scripts in the sources are what parleyctl prints", async () => {
  const rows = {
    "docs/man/parleyctl.1": ["help", "--man", "parleyctl"],
    "docs/man/parleyd.8": ["help", "--man", "parleyd"],
    "docs/man/parley.conf.5": ["help", "--man", "parley.conf"],
    "cli/completion/parleyctl.bash": ["completion", "bash"],
    "cli/completion/_parleyctl": ["completion", "zsh"],
    "cli/completion/parleyctl.fish": ["completion", "fish"],
  };
  for (const [path, args] of Object.entries(rows)) {
    const current = (await ctl.ok(...args)) === readFileSync(join(ROOT, path), "utf8");
    assert.ok(current, `${path} is not what parleyctl ${args.join(" ")} prints: run make man`);
  }
});

test("bash completes commands, options and choices", () => {
  const script = `
    source ${ROOT}cli/completion/parleyctl.bash
    complete_it() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _parleyctl; echo "\${COMPREPLY[*]}"; }
    complete_it parleyctl us
    complete_it parleyctl user ""
    complete_it parleyctl user role bob a
    complete_it parleyctl --data x user create --ro
    complete_it parleyctl user create --role ""
  `;
  const { stdout } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
  assert.deepEqual(stdout.split("\n").slice(0, -1), [
    "user",
    "list create disable enable password role",
    "admin",
    "--role",
    "member admin owner",
  ]);
});

test("config check names every bad line", async () => {
  const good = join(folder, "good.conf");
  writeFileSync(good, "listen = 127.0.0.1:0\nworkers = 2\n");
  assert.equal(await ctl.ok("config", "check", good), "The configuration is good.\n");
  const bad = join(folder, "bad.conf");
  writeFileSync(bad, "listn = 127.0.0.1:0\nworkers = 900\n");
  const { status, stderr } = await ctl("config", "check", bad);
  assert.equal(status, 2);
  assert.match(stderr, /bad\.conf:1: .*listn/);
  assert.match(stderr, /bad\.conf:2: .*900/);
  assert.match(stderr, /2 problems/);
  assert.equal((await ctl("config", "check", join(folder, "none.conf"))).status, 2);
});

test("a full disk is not success", async () => {
  const { status, stderr } = spawnSync("sh", ["-c", '"$0" help >/dev/full', process.env.PARLEYCTL], {
    encoding: "utf8",
  });
  assert.equal(status, 9);
  assert.match(stderr, /cannot write the output: No space left/);
});

// --- No server -------------------------------------------------------------------------------------------------------

test("a server that is not there exits 3 and says where to look", async () => {
  const { status, stderr } = await ctl("user", "list");
  assert.equal(status, 3);
  assert.ok(stderr.includes(`cannot reach parleyd at ${folder}/admin.sock: No such file or directory`));
  assert.match(stderr, /--data DIR/);
  const none = await parleyctl()("stats", "--server", "http://127.0.0.1:1", "--token", "secret-token");
  assert.equal(none.status, 3);
  assert.match(none.stderr, /cannot reach http:\/\/127\.0\.0\.1:1: Connection refused/);
  assert.doesNotMatch(none.stderr, /secret-token/);
});

test("send does not wait for a server that never was there", async () => {
  const begin = Date.now();
  assert.equal((await ctl("send", "general", "x", "--retry", "60")).status, 3);
  assert.ok(Date.now() - begin < 30_000);
});

test("--server without a token exits 4", async () => {
  const { status, stderr } = await ctl("stats", "--server", "http://127.0.0.1:1");
  assert.equal(status, 4);
  assert.match(stderr, /PARLEY_TOKEN/);
});

test("the token goes into the header alone, from a file, a variable or an option", async () => {
  const seen = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    answers({ users: 1 })(request, response);
  });
  servers.push(server);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}/`;
  const file = join(folder, "token");
  writeFileSync(file, "from-file\n");
  chmodSync(file, 0o644);
  const open = await ctl("stats", "--server", url, "--token-file", file);
  assert.match(open.stderr, /warning: others can read this file/);
  assert.doesNotMatch(open.stderr, /from-file/);
  chmodSync(file, 0o600);
  assert.equal((await ctl("stats", "--server", url, "--token-file", file)).stderr, "");
  await parleyctl({ PARLEY_TOKEN: "from-variable" }).ok("stats", "--server", url);
  await ctl.ok("stats", "--server", url, "--token", "from-option");
  await ctl.with("from-stdin\n").ok("stats", "--server", url, "--token-file", "-");
  assert.deepEqual(seen, ["from-file", "from-file", "from-variable", "from-option", "from-stdin"].map((t) => `Bearer ${t}`));
});

test("a token on the command line is gone from the list of processes", async () => {
  let arguments_ = "";
  let follow;
  const server = createServer((request, response) => {
    arguments_ = readFileSync(`/proc/${follow.pid}/cmdline`, "utf8");
    answers({})(request, response);
  });
  servers.push(server);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  follow = ctl.follow("stats", "--server", `http://127.0.0.1:${server.address().port}`, "--token", "secret-token");
  assert.equal((await follow.ended()).status, 0);
  assert.match(arguments_, /--token\0x{12}\0/);
});

// --- Servers that are something else ---------------------------------------------------------------------------------

test("an answer that is not parleyd's exits 8", async () => {
  const rows = [
    [answers("<html>", { type: "text/html" }), /answered 200 with text\/html/],
    [answers("not json"), /not a JSON object/],
    [answers("[]"), /not a JSON object/],
    [answers('{"users":[],"users":[]}'), /not a JSON object/],
    [answers(Buffer.from('{"users":"\xff"}', "latin1")), /not a JSON object/],
    [answers("nothing here", { status: 404, type: "text/plain" }), /answered 404/],
    [answers("{}", { status: 500, type: "application/problem+json" }), /without saying what is wrong/],
    [answers({}), /`users` is not an array/],
    [answers({ users: 7 }), /`users` is not an array/],
    [answers({ users: [7] }), /is not a string/],
    [answers({ users: [{ name: 7, role: "member", id: "x" }] }), /`name` is not a string/],
    [answers({ users: [], next_cursor: 7 }), /`next_cursor` is not a string/],
    [answers(Buffer.alloc(25 * 1024 * 1024, " ")), /larger than 24 MB/],
  ];
  for (const [answer, message] of rows) {
    const { status, stdout, stderr } = await (await peer(answer))("user", "list");
    assert.equal(status, 8, stderr);
    assert.match(stderr, message);
    assert.equal(stdout, "");
  }
});

test("a peer that closes or speaks something else exits 3 or 8", async () => {
  const closing = await peer((socket) => socket.destroy(), createTcpServer);
  assert.equal((await closing("stats")).status, 3);
  const talking = await peer((socket) => socket.end("220 mail.example.org ESMTP\r\n"), createTcpServer);
  assert.equal((await talking("stats")).status, 8);
});

test("a peer that never answers is given up after --timeout", async () => {
  const silent = await peer((request) => request.resume());
  const { status, stderr } = await silent("stats", "--timeout", "1");
  assert.equal(status, 3);
  assert.match(stderr, /no answer in time[^]*may have been carried out or not/);
});

test("what a server says cannot steer the terminal", async () => {
  const evil = "\u001b]0;owned\u0007\u001b[2J\u202e\u009b31m\r\n";
  const user = { id: "x", name: evil, role: "member", display_name: evil };
  const harmless = (text) => assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  harmless(await (await peer(answers({ users: [user] }))).ok("user", "list"));
  harmless(await (await peer(answers({ users: [user] }))).ok("user", "list", "--names"));
  const problem = { type: "conflict", title: evil, detail: evil, field: evil, reason: evil, id: evil };
  const refused = await (await peer(answers(problem, { status: 409, type: "application/problem+json" })))("stats");
  assert.equal(refused.status, 1);
  harmless(refused.stderr);
  const shown = await peer(answers({ users: [user] }));
  const terminal = shown.onTerminal("user", "list", "--json");
  await terminal.ended();
  harmless(terminal.screen().replaceAll("\r\n", "\n"));
  assert.equal(JSON.parse(terminal.screen()).users[0].name, evil);
});

test("what a killed process left in /dev/shm is no matter of the next one's", (t) => {
  // A folder of its own as /dev/shm, and a process number that was taken before.
  const script = `mount -t tmpfs none /dev/shm && (printf %s x > /dev/shm/mongoc-$$) && exec '${process.env.PARLEYCTL}' version`;
  const { status, stderr, stdout } = spawnSync("unshare", ["--mount", ...(process.getuid() ? ["--map-root-user"] : []), "sh", "-c", script], {
    encoding: "utf8",
  });
  if (/^unshare: /.test(stderr)) return t.skip("may not unshare");
  assert.equal(status, 0, stderr);
  assert.equal(stderr, "");
  assert.match(stdout, /^parleyctl /);
});

test("errors have their exit codes", async () => {
  const rows = { unauthenticated: 4, forbidden: 5, not_found: 6, gone: 6, unavailable: 7, rate_limited: 7, invalid_params: 1, internal: 1 };
  for (const [type, wanted] of Object.entries(rows)) {
    const ctlOfPeer = await peer(answers({ type, title: "No" }, { status: 400, type: "application/problem+json" }));
    const { status, stderr } = await ctlOfPeer("stats");
    assert.equal(status, wanted);
    assert.match(stderr, new RegExp(`admin\\.stats: ${type}: No`));
  }
});

// --- Sending again ---------------------------------------------------------------------------------------------------

test("send repeats the same id when the answer is missing or says to", async () => {
  const ids = [];
  const problem = (type, more) => answers({ type, title: "No", ...more }, { status: 503, type: "application/problem+json" });
  const script = [
    problem("unavailable"),
    (request) => request.socket.destroy(),
    problem("rate_limited", { retry_after_ms: 10 }),
    answers({ message: { id: "m" } }),
  ];
  const ctlOfPeer = await peer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk)).on("end", () => {
      ids.push(JSON.parse(body).client_msg_id);
      script[ids.length - 1](request, response);
    });
  });
  const { status, stderr } = await ctlOfPeer("send", "general", "x");
  assert.equal(status, 0, stderr);
  assert.equal(ids.length, 4);
  assert.equal(new Set(ids).size, 1);
});

test("send gives up in time and says how to go on without a second message", async () => {
  const ctlOfPeer = await peer(answers({ type: "unavailable", title: "No" }, { status: 503, type: "application/problem+json" }));
  const { status, stderr } = await ctlOfPeer("send", "general", "x", "--retry", "1");
  assert.equal(status, 7);
  assert.match(stderr, /--client-msg-id [0-9a-z]{26}/);
});

test("send does not repeat what was refused", async () => {
  let requests = 0;
  const ctlOfPeer = await peer((request, response) => {
    requests++;
    answers({ type: "forbidden", title: "No" }, { status: 403, type: "application/problem+json" })(request, response);
  });
  assert.equal((await ctlOfPeer("send", "general", "x")).status, 5);
  assert.equal(requests, 1);
});
