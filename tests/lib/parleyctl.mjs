// parleyctl for tests.
//
//   const ctl = parleyctl({ PARLEY_DATA: server.dataDir });
//   const { status, stdout, stderr } = await ctl("user", "list");
//   await ctl.ok("send", "general", "hi");          // stdout; an error unless the status is 0
//   await ctl.with("text on stdin")("send", "general");
//   const tail = ctl.follow("tail", "general");     // keeps running: tail.until(/pattern/), tail.stop()
//   await ctl.onTerminal("user", "create", "bob");  // under script(1): a terminal of its own

import { spawn } from "node:child_process";

import { within } from "./parleyd.mjs";

const { PARLEYCTL } = process.env;
const DEADLINE_MS = 60_000;

const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

function launch(argv, env) {
  // Nothing of the caller's settings but where programs are; times in UTC, so that tests can read them.
  const { PATH, HOME, ASAN_OPTIONS, LSAN_OPTIONS, UBSAN_OPTIONS, TSAN_OPTIONS } = process.env;
  const child = spawn(argv[0], argv.slice(1), {
    env: { PATH, HOME, ASAN_OPTIONS, LSAN_OPTIONS, UBSAN_OPTIONS, TSAN_OPTIONS, TZ: "UTC", TERM: "xterm", ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  running.add(child);
  child.stdin.on("error", () => {}); // it may end without having read
  const run = { child, stdout: "", stderr: "", watchers: new Set() };
  for (const name of ["stdout", "stderr"]) {
    child[name].setEncoding("utf8").on("data", (text) => {
      run[name] += text;
      run.watchers.forEach((look) => look());
    });
  }
  run.closed = new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => {
      running.delete(child);
      resolve({ status, signal, stdout: run.stdout, stderr: run.stderr });
      run.watchers.forEach((look) => look());
    });
  });
  return run;
}

// Resolves when the output of RUN so far matches; fails when it ends before.
function until(run, pattern, stream = "stdout") {
  const matched = new Promise((resolve, reject) => {
    const look = () => {
      const match = pattern.exec(run[stream]);
      if (match) resolve(match);
      else if (!running.has(run.child)) reject(new Error(`ended without ${pattern}: ${run.stdout}${run.stderr}`));
      else return;
      run.watchers.delete(look);
    };
    run.watchers.add(look);
    look();
  });
  return within(DEADLINE_MS, `${pattern} in ${JSON.stringify(run.stdout + run.stderr)}`, matched);
}

export function parleyctl(env = {}) {
  const build = (input) => {
    const ctl = async (...args) => {
      const run = launch([PARLEYCTL, ...args], env);
      run.child.stdin.end(input);
      return within(DEADLINE_MS, `parleyctl ${args.join(" ")}`, run.closed);
    };
    ctl.ok = async (...args) => {
      const { status, stdout, stderr } = await ctl(...args);
      if (status !== 0) throw new Error(`parleyctl ${args.join(" ")}: status ${status}\n${stdout}${stderr}`);
      return stdout;
    };
    ctl.with = (text) => build(text);
    ctl.follow = (...args) => {
      const run = launch([PARLEYCTL, ...args], env);
      return {
        pid: run.child.pid,
        text: () => run.stdout,
        errors: () => run.stderr,
        until: (pattern, stream) => until(run, pattern, stream),
        stop: async () => {
          run.child.kill("SIGTERM");
          return within(DEADLINE_MS, "the end of parleyctl", run.closed);
        },
        ended: () => within(DEADLINE_MS, "the end of parleyctl", run.closed),
      };
    };
    // Everything that is written comes as `screen`; `type` answers what is asked.
    ctl.onTerminal = (...args) => {
      const quoted = [PARLEYCTL, ...args].map((arg) => `'${arg.replaceAll("'", "'\\''")}'`).join(" ");
      const run = launch(["script", "-qec", `stty cols 100; exec ${quoted}`, "/dev/null"], env);
      return {
        screen: () => run.stdout,
        until: (pattern) => until(run, pattern),
        type: (text) => run.child.stdin.write(text),
        ended: () => within(DEADLINE_MS, "the end of parleyctl", run.closed),
      };
    };
    return ctl;
  };
  return build("");
}
