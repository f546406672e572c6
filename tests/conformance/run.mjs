#!/usr/bin/env node
// Runs the public conformance suites of Engine.IO 4 and Socket.IO 5 against tests/conformance/application.c.
//
//   run.mjs <application> <folder of the suites> <folder for what is made>
//
// The folder is the `docs` of a checkout of github.com/socketio/socket.io. The suites speak to a fixed port, so that they run
// from a copy in which it is replaced by that of the server; their npm packages are installed there.

import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const SUITES = ["engine.io-protocol/v4-test-suite", "socket.io-protocol/v5-test-suite"];
const FIXED = "localhost:3000";

const [application, suites, work] = process.argv.slice(2);
if (!suites || !existsSync(join(suites, SUITES[0]))) {
  console.error(`SUITES must name a folder with ${SUITES.join(" and ")}: the docs of a checkout of socketio/socket.io`);
  process.exit(2);
}

function run(argv, cwd) {
  const child = spawn(argv[0], argv.slice(1), { cwd, stdio: "inherit" });
  return new Promise((done) => child.on("exit", (code) => done(code ?? 1)));
}

function serve(workers) {
  const data = resolve(work, "data");
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { recursive: true });
  const args = ["--listen", "127.0.0.1:0", "--data", data, "--workers", String(workers), "--log-level", "warn"];
  const child = spawn(application, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((done) => child.on("exit", (code) => done(code)));
  const address = new Promise((found, failed) => {
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      out += text;
      const match = /^listening on http:\/\/(\S+)$/m.exec(out);
      if (match) found(match[1]);
    });
    ended.then((code) => failed(new Error(`the application ended with ${code} before it listened`)));
  });
  return { child, ended, address };
}

async function runSuite(name, workers) {
  const folder = resolve(work, name.replaceAll("/", "-"));
  const server = serve(workers);
  try {
    const address = await server.address;
    rmSync(folder, { recursive: true, force: true });
    cpSync(join(suites, name), folder, { recursive: true });
    const script = join(folder, "test-suite.js");
    writeFileSync(script, readFileSync(script, "utf8").replaceAll(FIXED, address));
    if (!existsSync(join(folder, "node_modules")) && (await run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], folder)) !== 0) return 1;
    console.log(`\n${name}, ${workers} worker(s)`);
    return await run(["npm", "test", "--silent"], folder);
  } finally {
    server.child.kill("SIGTERM");
    await server.ended;
  }
}

let failed = 0;
for (const name of SUITES) for (const workers of [1, 4]) failed += (await runSuite(name, workers)) === 0 ? 0 : 1;
process.exit(failed === 0 ? 0 : 1);
