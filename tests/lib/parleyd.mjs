// A real parleyd for tests, on a free port, with a data directory of its own.
//
//   const server = await start();            // or { args, env, dataDir, listen }
//   server.url; server.dataDir; server.pid
//   await server.stop();                     // SIGTERM; gives { code, signal }
//   await server.kill();                     // SIGKILL
//   const { code, log } = await refusal({ args });   // of one that is not to start
//
// A data directory that start() has made is removed when the test process ends; one that is given stays, so that a
// second server can be started on it. Servers still running then are killed.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { schema } from "./schema.mjs";

const { PARLEYD } = process.env;
const START_MS = 60_000; // a sanitizer's build on a busy machine takes its time
const STOP_MS = 60_000;

const folders = new Set();
const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that goes when the test process ends. */
export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), "parley-test-"));
  folders.add(folder);
  return folder;
}

/** The promise, or an error that says what was waited for. */
export async function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** PROGRAM is what to run instead of parleyd alone: ["strace", ..., PARLEYD]; signals go to it. */
export async function start({ args = [], env = {}, dataDir = temporaryFolder(), listen = "127.0.0.1:0", program = [PARLEYD] } = {}) {
  if (!PARLEYD) throw new Error("PARLEYD names the server to test");
  const child = spawn(program[0], [...program.slice(1), "--listen", listen, "--data", dataDir, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let log = "";
  let out = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (log += text));
  const exited = new Promise((resolve) => {
    child.on("error", (error) => resolve({ code: null, signal: null, error }));
    child.on("exit", (code, signal) => {
      running.delete(child);
      resolve({ code, signal });
    });
  });

  const listening = new Promise((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (text) => {
      out += text;
      const url = /^listening on (\S+)$/m.exec(out)?.[1];
      if (url) resolve(url);
    });
    exited.then((end) => reject(new Error(`parleyd ended before it listened: ${JSON.stringify(end)}\n${log}`)));
  });

  const end = async (signal) => {
    child.kill(signal);
    return within(STOP_MS, `parleyd's end after ${signal}`, exited);
  };
  let url;
  try {
    url = await within(START_MS, "parleyd's start", listening);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  return {
    url,
    dataDir,
    pid: child.pid,
    exited,
    log: () => log,
    out: () => out,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
  };
}

/** What a parleyd says that does not start with these OPTIONS of start(), and how it ends: { code, signal, log, ms }. */
export async function refusal(options) {
  const began = performance.now();
  let server;
  try {
    server = await start(options);
  } catch (error) {
    const [, end, log] = /ended before it listened: (\{.*?\})\n([^]*)$/.exec(error.message) ?? [];
    if (!end) throw error;
    return { ...JSON.parse(end), log, ms: performance.now() - began };
  }
  await server.kill();
  throw new Error("parleyd has started");
}

/** POST /api/v1/<command>; gives { status, body } with the JSON parsed. An answer that is not as the server describes it fails. */
export async function call(url, command, params = {}, token) {
  const response = await fetch(`${url}/api/v1/${command}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify(params),
  });
  const { status } = response;
  const body = await response.json();
  const wrong = schema().http(command, { status, type: response.headers.get("content-type"), body });
  if (wrong.length > 0) throw new Error(`not as described: ${wrong.join("; ")}`);
  return { status, body };
}
