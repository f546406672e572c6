// A Redis server for tests, on a free port and a Unix socket, that keeps nothing on disk.
//
//   const redis = await startRedis();                      // or { user: { name, password }, config: ["maxmemory 2mb"] }
//   redis.uri; redis.port; redis.socket; redis.pid
//   await redis.command("PUBLISH", "channel", "text");     // the answer; an Error if it is one
//   await redis.kill();                                    // kill -9
//   await redis.restart();                                 // on the same port, empty; also after kill() and stop()
//   redis.pause(); redis.resume();                         // SIGSTOP, SIGCONT
//   await redis.stop();
//
// It ends with the test process, however that ends.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";

import { temporaryFolder, within } from "./parleyd.mjs";
import { onFreePort } from "./ports.mjs";

const START_MS = 30_000;
const ANSWER_MS = 10_000;

const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

function write({ folder, port, user, config }) {
  const rules = user ? ["user default off", `user ${user.name} on >${user.password} ~* &* +@all`] : [];
  const lines = [
    "bind 127.0.0.1", `port ${port}`, `unixsocket ${join(folder, "redis.sock")}`, `dir ${folder}`,
    'save ""', "appendonly no", "daemonize no", ...rules, ...config,
  ];
  const file = join(folder, "redis.conf");
  writeFileSync(file, `${lines.join("\n")}\n`);
  return file;
}

async function launch(file) {
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "redis-server", file], { stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let log = "";
  const ready = new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", () => {
      running.delete(child);
      reject(new Error(`redis-server ended before it was ready: ${log}`));
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        log += text;
        if (/Ready to accept connections/.test(log)) resolve();
      });
    }
  });
  await within(START_MS, "the start of redis-server", ready);
  return child;
}

export async function startRedis({ user, config = [] } = {}) {
  const folder = temporaryFolder();
  let file;
  let child;
  const port = await onFreePort(async (free) => {
    file = write({ folder, port: free, user, config });
    child = await launch(file);
    return free;
  });
  const end = async (signal) => {
    if (!running.has(child)) return;
    const ended = once(child, "exit");
    child.kill(signal);
    child.kill("SIGCONT");
    await within(START_MS, "the end of redis-server", ended);
  };
  const address = { host: "127.0.0.1", port };
  const credentials = user ? `${user.name}:${encodeURIComponent(user.password)}@` : "";
  return {
    uri: `redis://${credentials}127.0.0.1:${port}`,
    port,
    socket: join(folder, "redis.sock"),
    get pid() {
      return child.pid;
    },
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
    pause: () => child.kill("SIGSTOP"),
    resume: () => child.kill("SIGCONT"),
    restart: async () => {
      await end("SIGKILL");
      child = await launch(file);
    },
    command: (...words) => command({ ...address, user }, words),
  };
}

// --- One command -------------------------------------------------------------------------------------------------------

const encode = (words) =>
  Buffer.concat([
    Buffer.from(`*${words.length}\r\n`),
    ...words.flatMap((word) => {
      const bytes = Buffer.from(word);
      return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n")];
    }),
  ]);

// The value at OFFSET of a RESP answer: [value, where the next one begins]; null if it has not come whole.
function decode(bytes, offset = 0) {
  const line = bytes.indexOf("\r\n", offset);
  if (line < 0) return null;
  const [kind, text] = [String.fromCharCode(bytes[offset]), bytes.toString("utf8", offset + 1, line)];
  if (kind === "+") return [text, line + 2];
  if (kind === "-") return [new Error(text), line + 2];
  if (kind === ":") return [Number(text), line + 2];
  if (text === "-1") return [null, line + 2];
  if (kind === "$") {
    const end = line + 2 + Number(text);
    return bytes.length < end + 2 ? null : [bytes.toString("utf8", line + 2, end), end + 2];
  }
  const list = [];
  let at = line + 2;
  for (let i = 0; i < Number(text); i++) {
    const item = decode(bytes, at);
    if (!item) return null;
    list.push(item[0]);
    at = item[1];
  }
  return [list, at];
}

/** One command on a connection of its own: { host, port, user } and its words, strings or buffers. */
async function command({ host, port, user }, words) {
  const all = user ? [["AUTH", user.name, user.password], words] : [words];
  const socket = createConnection({ host, port });
  let got = Buffer.alloc(0);
  const answered = new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("close", () => reject(new Error(`Redis closed the connection before it answered ${words[0]}`)));
    socket.on("data", (data) => {
      got = Buffer.concat([got, data]);
      const answers = [];
      for (let at = 0, one; (one = decode(got, at)); at = one[1]) answers.push(one[0]);
      const wrong = answers.find((answer) => answer instanceof Error);
      if (wrong) reject(wrong);
      else if (answers.length === all.length) resolve(answers.at(-1));
    });
  });
  all.forEach((one) => socket.write(encode(one)));
  try {
    return await within(ANSWER_MS, `Redis's answer to ${words[0]}`, answered);
  } finally {
    socket.destroy();
  }
}
