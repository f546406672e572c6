// The configuration of a real parleyd: where values come from, what is said about bad ones, what it prints.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";

import { call, start, temporaryFolder, within } from "../lib/parleyd.mjs";

const { PARLEYD, PARLEYCTL } = process.env;
const folder = temporaryFolder();
const servers = [];
after(() => Promise.all(servers.map((server) => server.stop())));

async function serve(options) {
  const server = await start(options);
  servers.push(server);
  return server;
}

/** Runs a program to its end: { code, stdout, stderr }. */
function run(program, args, env = {}) {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const result = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) child[name].setEncoding("utf8").on("data", (text) => (result[name] += text));
  const end = new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...result }));
  });
  return within(30_000, `${program} ${args.join(" ")}`, end).finally(() => child.kill("SIGKILL"));
}

function file(text) {
  const path = join(folder, `parley-${Math.random().toString(36).slice(2)}.conf`);
  writeFileSync(path, text);
  return path;
}

async function limits(options) {
  const { body } = await call((await serve(options)).url, "server.info");
  return body.limits;
}

test("a flag counts more than a variable, a variable more than the file, the file more than the default", async () => {
  const config = file("queue_bytes = 100001\nframe_bytes = 100001\nresume_events = 101\n");
  const got = await limits({
    args: ["--config", config, "--queue-bytes", "100003"],
    env: { PARLEY_QUEUE_BYTES: "100002", PARLEY_FRAME_BYTES: "100002" },
  });
  assert.deepEqual(got, { text_bytes: 16384, queue_bytes: 100003, frame_bytes: 100002, resume_events: 101 });
});

test("PARLEY_CONFIG names the file too", async () => {
  const got = await limits({ env: { PARLEY_CONFIG: file("resume_events = 7\n") } });
  assert.equal(got.resume_events, 7);
});

test("PARLEY_<KEY>_FILE names a file with the value, which no message repeats", async () => {
  const got = await limits({ env: { PARLEY_RESUME_EVENTS_FILE: file("9\n") } });
  assert.equal(got.resume_events, 9);
  const secret = file("correct horse\n");
  const cases = [
    [{ PARLEY_WORKERS_FILE: secret }, `PARLEY_WORKERS_FILE: workers: what ${secret} holds is not allowed`],
    [{ PARLEY_WORKERS_FILE: secret, PARLEY_WORKERS: "2" }, "PARLEY_WORKERS_FILE: PARLEY_WORKERS is set too; give one of them"],
    [{ PARLEY_WORKERS_FILE: "/nonexistent/x" }, `PARLEY_WORKERS_FILE: "/nonexistent/x" cannot be read: No such file`],
    [{ PARLEY_WORKERZ_FILE: secret }, `PARLEY_WORKERZ_FILE: unknown key "workerz"; did you mean "workers"?`],
  ];
  for (const [env, sentence] of cases) {
    const { code, stderr } = await run(PARLEYD, ["--data", folder], env);
    assert.equal(code, 2, stderr);
    assert.ok(stderr.includes(sentence), stderr);
    assert.ok(!stderr.includes("correct horse"), stderr);
  }
});

test("each address listens, and each gets a line with the port it got", async () => {
  const server = await serve({ args: ["--listen", "[::1]:0"] });
  const urls = [...server.out().matchAll(/^listening on (\S+)$/gm)].map((match) => match[1]);
  assert.equal(urls.length, 2, server.out());
  assert.match(urls[0], /^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
  assert.match(urls[1], /^http:\/\/\[::1\]:[1-9]\d*$/);
  for (const url of urls) assert.equal((await fetch(`${url}/healthz`)).status, 200);
});

test("a bad value exits with 2 and names place, key, value and what is allowed", async () => {
  const config = file("# one\nworkers = 2\nlog_level = loud\n");
  const cases = [
    [["--config", config], {}, `${config}:3: log_level: "loud" is not allowed; it must be one of error, warn, info, debug`],
    [["--workers", "many"], {}, `--workers: "many" is not allowed; it must be a whole number from 0 to 64`],
    [[], { PARLEY_HEARTBEAT_MS: "1" }, `PARLEY_HEARTBEAT_MS: heartbeat_ms: "1" is not allowed; it must be a whole number from 100 to 3600000`],
    [["--listen", "localhost"], {}, `--listen: "localhost" is not allowed; it must be an address with its port`],
    [["--tls-cert", "x.pem"], {}, "tls_cert, tls_key: give both of them or none"],
  ];
  for (const [args, env, sentence] of cases) {
    const { code, stdout, stderr } = await run(PARLEYD, [...args, "--data", folder], env);
    assert.equal(code, 2, stderr);
    assert.ok(stderr.includes(sentence), stderr);
    assert.equal(stdout, "");
  }
});

test("an unknown key exits with 2, names the place and suggests the likely one", async () => {
  const config = file("\nlog_levle = info\n");
  const cases = [
    [["--config", config], {}, `${config}:2: unknown key "log_levle"; did you mean "log_level"?`],
    [["--workerz=2"], {}, `--workerz: unknown flag "workerz"; did you mean "workers"?`],
    [[], { PARLEY_WORKER: "2" }, `PARLEY_WORKER: unknown key "worker"; did you mean "workers"?`],
    [["--config", "/nonexistent/parley.conf"], {}, "/nonexistent/parley.conf: cannot be read: No such file or directory"],
  ];
  for (const [args, env, sentence] of cases) {
    const { code, stderr } = await run(PARLEYD, [...args, "--data", folder], env);
    assert.equal(code, 2, stderr);
    assert.ok(stderr.includes(sentence), stderr);
  }
});

test("--check-config says whether the configuration is good and starts nothing", async () => {
  const data = join(folder, "unmade");
  const good = await run(PARLEYD, ["--check-config", "--data", data]);
  assert.equal(good.code, 0, good.stderr);
  assert.throws(() => statSync(data));
  assert.equal((await run(PARLEYD, ["--check-config", "--config", file("x = 1\n")])).code, 2);
});

test("parleyctl config check names every problem of a file", async () => {
  const bad = await run(PARLEYCTL, ["config", "check", file("workers = many\nbogus = 1\n")]);
  assert.notEqual(bad.code, 0);
  const said = bad.stdout + bad.stderr;
  assert.match(said, /:1: workers: "many"/);
  assert.match(said, /:2: unknown key "bogus"/);
  const good = await run(PARLEYCTL, ["config", "check", "deploy/parley.conf"]);
  assert.equal(good.code, 0, good.stderr);
});

test("--help and --version answer at once", async () => {
  const help = await run(PARLEYD, ["--help"]);
  assert.equal(help.code, 0);
  for (const flag of ["--listen", "--data", "--workers", "--log-format", "--log-level", "--config"])
    assert.ok(help.stdout.includes(flag), flag);
  const version = await run(PARLEYD, ["--version"]);
  assert.equal(version.code, 0);
  assert.match(version.stdout, /\d+\.\d+\.\d+/);
});

test("the committed sample file and reference are those that parleyd prints", async () => {
  const sample = await run(PARLEYD, ["--dump-config-sample"]);
  assert.equal(readFileSync("deploy/parley.conf", "utf8"), sample.stdout);
  const docs = await run(PARLEYD, ["--dump-config-docs"]);
  assert.ok(docs.stdout.length > 1000);
  assert.ok(
    readFileSync("docs/configuration.md", "utf8").includes(docs.stdout),
    "docs/configuration.md: replace the tables by the output of parleyd --dump-config-docs",
  );
});

test("log lines are JSON when asked, and end at the level that is asked for", async () => {
  const server = await serve({ args: ["--log-format", "json", "--log-level", "debug"] });
  await call(server.url, "server.info");
  await server.stop();
  const lines = server.log().trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.ok(lines.length >= 2, server.log());
  for (const line of lines) {
    assert.match(line.ts, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.match(line.level, /^(error|warn|info|debug)$/);
    assert.equal(typeof line.msg, "string");
  }
  const quiet = await serve({ args: ["--log-level", "error"] });
  await quiet.stop();
  assert.equal(quiet.log(), "");
});

test("an address in use is named, and the exit is not a crash", async () => {
  const server = await serve();
  const address = new URL(server.url).host;
  const { code, stderr } = await run(PARLEYD, ["--listen", address, "--data", join(folder, "second")]);
  assert.equal(code, 1, stderr);
  assert.ok(stderr.includes(address), stderr);
});
