// deploy/parleyd.service as make install puts it. There is no systemd to run it under here: what it forbids is compared with
// what a parleyd that is chatted through does, system call by system call.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { Client } from "../lib/client.mjs";
import { call, start, temporaryFolder } from "../lib/parleyd.mjs";
import { people } from "../lib/people.mjs";
import { eventually } from "../lib/process.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MOST_EXPOSURE = 1.5; // of 10; without any of the sandbox it is 9.2
const prefix = join(temporaryFolder(), "usr");
const unit = join(prefix, "lib/systemd/system/parleyd.service");
let text;

before(() => {
  const { MAKEFLAGS, MAKELEVEL, ...env } = process.env;
  execFileSync("make", ["-s", "-C", ROOT, "install", `PREFIX=${prefix}`], { env, stdio: "pipe" });
  text = readFileSync(unit, "utf8");
});

/** The values of KEY in the unit. */
const values = (key) => [...text.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map((match) => match[1]);

/** The system calls of a set such as @system-service, with those of the sets that it holds. */
function callsOf(set) {
  const lines = execFileSync("systemd-analyze", ["syscall-filter", set], { encoding: "utf8" }).split("\n");
  const names = lines.map((line) => line.trim()).filter((line) => line && !line.startsWith("#"));
  return names.slice(1).flatMap((name) => (name.startsWith("@") ? callsOf(name) : [name]));
}

test("the installed unit names the installed program, and systemd has nothing to say about it", () => {
  const program = values("ExecStart")[0].split(" ")[0];
  assert.equal(program, join(prefix, "bin/parleyd"));
  accessSync(program, constants.X_OK);
  const { status, stdout, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", unit], { encoding: "utf8" });
  assert.equal(stdout + stderr, "");
  assert.equal(status, 0);
});

test("its exposure is small, and its stop outlasts parleyd's drain", () => {
  const said = execFileSync("systemd-analyze", ["security", "--offline=true", "--no-pager", unit], { encoding: "utf8" });
  const exposure = Number(/exposure level for \S+: ([\d.]+)/.exec(said)[1]);
  assert.ok(exposure <= MOST_EXPOSURE, `${exposure}\n${said}`);
  const drain = Number(/^CONFIG_UINT\(drain_timeout_ms, (\d+)/m.exec(readFileSync(join(ROOT, "server/config.def"), "utf8"))[1]);
  assert.ok(Number(/^(\d+)s$/.exec(values("TimeoutStopSec")[0])[1]) * 1000 > drain);
});

test("a server that is chatted through makes no system call that the unit forbids", async () => {
  const folder = temporaryFolder();
  const trace = join(folder, "trace");
  const server = await start({ program: ["strace", "-D", "-f", "-q", "-o", trace, process.env.PARLEYD] });
  try {
    const { ann, bob } = await people(server.url, "ann", "bob");
    const clients = [await Client.open(server.url, { token: ann.token }), await Client.open(server.url, { token: bob.token })];
    const channel = clients[0].started.channels[0].id;
    await clients[0].request("message.send", { channel, text: "hello" });
    await clients[1].event("message.created", ({ message }) => message.text === "hello");
    assert.equal((await fetch(`${server.url}/`)).status, 200);
    assert.equal((await fetch(`${server.url}/metrics`)).status, 200);
    await call(server.url, "auth.login", { name: "ann", password: "wrong password" });
    for (const client of clients) await client.close();
  } finally {
    await server.stop();
  }
  const whole = await eventually("the end of the trace", () => {
    const written = readFileSync(trace, "utf8");
    return new RegExp(`^${server.pid} +\\+\\+\\+ exited with 0`, "m").test(written) && written;
  });
  const lines = whole.split("\n");
  const made = new Set(lines.map((line) => /^\d+ +(\w+)\(/.exec(line)?.[1]).filter(Boolean));
  assert.ok(made.has("accept4") && made.has("fdatasync") && made.size > 30, [...made].join(" "));
  const allowed = new Set();
  for (const value of values("SystemCallFilter")) {
    const forbid = value.startsWith("~");
    const calls = value.replace("~", "").split(" ").flatMap(callsOf);
    calls.forEach((name) => (forbid ? allowed.delete(name) : allowed.add(name)));
  }
  // SQLite gives its files to the database's owner when it runs as root, and only then.
  if (process.getuid() === 0) made.delete("fchown");
  assert.deepEqual([...made].filter((name) => !allowed.has(name)), []);
  // MemoryDenyWriteExecute, RestrictAddressFamilies
  assert.deepEqual(lines.filter((line) => /m(map|protect)\(.*PROT_WRITE.*PROT_EXEC/.test(line)), []);
  const families = values("RestrictAddressFamilies")[0].split(" ");
  const sockets = lines.map((line) => / socket(?:pair)?\((\w+)/.exec(line)?.[1]).filter(Boolean);
  assert.ok(sockets.length > 0);
  assert.deepEqual(sockets.filter((family) => !families.includes(family)), []);
});
