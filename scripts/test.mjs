#!/usr/bin/env node
// Runs the test suites and adds up their test cases: scripts/test.mjs [suite]...
//
// Each suite builds what it needs with make, runs, and reports one line. The output of every step is kept in
// $BUILD/log; that of a failing one is printed too. A suite that fails does not keep the next from running. A program
// that crashes, a build that fails and a suite without tests count as a failure each. The last line is
// "N passed, N failed", and the exit code tells whether anything failed.
//
// What the node tests get: PARLEYD, PARLEYCTL, CONFORMANCE_APPLICATION (tests/conformance) and PARLEY_WEB_ROOT (absolute paths), PARLEY_MODE (release, asan, tsan).
// What the suites of a cluster get, cmocka and node alike: PARLEY_TEST_MONGO and PARLEY_TEST_REDIS, the URIs of one server
// each, started when the first of these suites begins, or given by the caller.

import { spawn } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { cpus } from "node:os";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
process.chdir(ROOT);
const BUILD = resolve(process.env.BUILD ?? "build");
const LOG = join(BUILD, "log");
const CLIENT = "clients/typescript";
const FUZZ_SECONDS = Number(process.env.FUZZ_SECONDS ?? 2);
const FAULT_SECONDS = Number(process.env.FAULT_SECONDS ?? 10);
const MINUTE = 60_000;
const GIST_LINES = 60;

// --- Running one program ---------------------------------------------------------------------------------------------

const running = new Set();

// Neither the make above nor a test that runs this runner concerns what is started here.
const CLEARED = { MAKEFLAGS: undefined, MAKELEVEL: undefined, NODE_TEST_CONTEXT: undefined };

// Runs argv in a process group of its own, so that a time-out or Ctrl-C also ends the servers it has started.
function execute(argv, { env = {}, timeout = 5 * MINUTE, cwd = ROOT } = {}) {
  return new Promise((done) => {
    const child = spawn(argv[0], argv.slice(1), {
      cwd,
      env: { ...process.env, ...CLEARED, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let output = "";
    let timedOut = false;
    const collect = (chunk) => (output += chunk);
    child.stdout.setEncoding("utf8").on("data", collect);
    child.stderr.setEncoding("utf8").on("data", collect);
    running.add(child);
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup(child);
    }, timeout);
    const finish = (problem) => {
      clearTimeout(timer);
      running.delete(child);
      killGroup(child); // whatever the program has left behind
      done({ output, problem });
    };
    child.on("error", (error) => finish(error.message));
    child.on("exit", (code, signal) => {
      // The pipes may be held open by a process left behind: do not wait for them for ever.
      const problem = timedOut ? `took longer than ${timeout / 1000} s` : signal ?? (code ? `exit code ${code}` : "");
      const cut = setTimeout(() => finish(problem), 2000);
      child.on("close", () => {
        clearTimeout(cut);
        finish(problem);
      });
    });
  });
}

function killGroup(child) {
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // The group is gone.
  }
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    running.forEach(killGroup);
    process.exit(130);
  });
}

// --- Counting --------------------------------------------------------------------------------------------------------

const total = { passed: 0, failed: 0 };
const briefly = []; // what failed, to be said once more at the end: the whole output of a suite is long

/** The lines of OUTPUT that say what failed. */
function gist(output) {
  const all = output.trimEnd();
  const spec = all.lastIndexOf("\n✖ failing tests:"); // node:test repeats there what failed
  const lines = (spec < 0 ? all : all.slice(spec + 1)).split("\n").filter((line) => !/^ +at |^$/.test(line));
  return spec < 0 ? lines.slice(-GIST_LINES) : lines.slice(1, 1 + GIST_LINES);
}

class Suite {
  constructor(name) {
    this.name = name;
    this.log = join(LOG, `${name.replaceAll(" ", "-")}.log`);
    this.passed = this.failed = this.skipped = 0;
    this.failures = [];
    this.leftOut = [];
    this.start = Date.now();
    rmSync(this.log, { force: true });
    process.stdout.write(`${name.padEnd(18)} `);
  }

  // Adds the counts of one program; one that ends badly without a failed test case counts as one failure.
  add(title, { passed = 0, failed = 0, skipped = 0 }, { output, problem }) {
    if (failed === 0 && (problem || passed + skipped === 0)) failed = 1;
    appendFileSync(this.log, `== ${title}\n${output}\n`);
    this.passed += passed;
    this.failed += failed;
    this.skipped += skipped;
    if (failed > 0) briefly.push(`--- ${this.name}, ${title}: ${problem || `${failed} failed`}`, ...gist(output));
    if (failed > 0) this.failures.push(`--- ${title}: ${problem || `${failed} failed`}\n${output.trimEnd()}\n`);
  }

  /** Tests that could not be made ready to run, for a reason that lies outside. */
  leaveOut(title, { output, problem }) {
    appendFileSync(this.log, `== ${title}\n${output}\n`);
    this.skipped += 1;
    this.leftOut.push(`--- skipped: ${title} (${problem})\n${output.trimEnd()}\n`);
  }

  end() {
    if (this.passed + this.failed + this.leftOut.length === 0) this.add("no test has run", {}, { output: "", problem: "no test" });
    const seconds = ((Date.now() - this.start) / 1000).toFixed(1);
    const counts = `${this.passed} passed, ${this.failed} failed` + (this.skipped ? `, ${this.skipped} skipped` : "");
    console.log(`${counts.padEnd(36)} ${seconds.padStart(7)} s`);
    for (const note of [...this.leftOut, ...this.failures]) console.log(note);
    total.passed += this.passed;
    total.failed += this.failed;
  }
}

// cmocka: "[  PASSED  ] 3 test(s)." and so on; a group whose set-up fails has no such line.
function countCmocka(output) {
  const sum = (word) =>
    [...output.matchAll(new RegExp(`^\\[  ${word} +\\] (\\d+) test\\(s\\)`, "gm"))].reduce((n, m) => n + Number(m[1]), 0);
  return { passed: sum("PASSED"), failed: sum("FAILED"), skipped: sum("SKIPPED") };
}

// node:test ends with "# pass 3" (TAP) or "ℹ pass 3" (spec).
function countNode(output) {
  const last = (word) => Number([...output.matchAll(new RegExp(`^[#ℹ] ${word} (\\d+)$`, "gm"))].at(-1)?.[1] ?? 0);
  return { passed: last("pass"), failed: last("fail") + last("cancelled"), skipped: last("skipped") + last("todo") };
}

// --- Servers that the suites of a cluster share ----------------------------------------------------------------------

let starting; // the promise of their environment
const started = []; // how to stop each; both end with this process in any case

async function startServers() {
  const { installMongo, startMongo } = await import("../tests/lib/mongo.mjs");
  const { startRedis } = await import("../tests/lib/redis.mjs");
  const env = {};
  if (!process.env.PARLEY_TEST_REDIS) {
    const redis = await startRedis();
    started.push(redis.stop);
    env.PARLEY_TEST_REDIS = redis.uri;
  }
  await installMongo();
  const mongo = await startMongo({ shared: true });
  started.push(mongo.remove);
  env.PARLEY_TEST_MONGO = mongo.uri;
  return env;
}

// Their environment; when they cannot be started, that is a failure of the suite.
async function servers(suite) {
  starting ??= make(suite, "release", "test-modules").then(startServers); // what starts them uses npm packages
  try {
    return await starting;
  } catch (error) {
    suite.add("the servers for the tests", { failed: 1 }, { output: error.stderr || error.stack, problem: "not started" });
    return {};
  }
}

// --- Steps -----------------------------------------------------------------------------------------------------------

const makeArgv = (mode, ...goals) => ["make", "--no-print-directory", `-j${cpus().length}`, `BUILD=${BUILD}`, `MODE=${mode}`, ...goals];

// Builds goals; a build that fails is a failed test of the suite.
async function make(suite, mode, ...goals) {
  const argv = makeArgv(mode, ...goals);
  const result = await execute(argv, { timeout: 15 * MINUTE });
  appendFileSync(suite.log, `== ${argv.join(" ")}\n${result.output}\n`);
  if (result.problem) suite.add(argv.join(" "), { failed: 1 }, result);
  return !result.problem;
}

// Files of a folder, sorted, whose names match; [] when there is no such folder.
function list(folder, pattern) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => pattern.test(name)).sort().map((name) => join(folder, name));
}

// Runs steps with at most `width` of them at a time.
async function inParallel(width, steps) {
  const queue = [...steps];
  const lane = async () => {
    for (let step; (step = queue.shift());) await step();
  };
  await Promise.all(Array.from({ length: width }, lane));
}

// Environment and command prefix of a mode. Sanitizers write their reports to files, because a test may well
// not look at what the server it started has to say on stderr.
function sanitizer(mode, reports) {
  if (mode === "release") return { env: {}, prefix: [] };
  const supp = (name) => (existsSync(`tests/${name}.supp`) ? `:suppressions=${resolve(`tests/${name}.supp`)}` : "");
  const common = `log_path=${reports}/report:exitcode=99`;
  const bits = "/proc/sys/vm/mmap_rnd_bits";
  const highEntropy = mode === "tsan" && existsSync(bits) && Number(readFileSync(bits, "utf8")) > 28;
  return {
    env: {
      ASAN_OPTIONS: `${common}:detect_leaks=1:strict_string_checks=1:handle_segv=2`,
      LSAN_OPTIONS: `print_suppressions=0${supp("lsan")}`,
      UBSAN_OPTIONS: `${common}:print_stacktrace=1`,
      TSAN_OPTIONS: `${common}:second_deadlock_stack=1${supp("tsan")}`,
    },
    // gcc 12's ThreadSanitizer does not start when the kernel randomises addresses by more than 28 bits.
    prefix: highEntropy ? ["setarch", "-R"] : [],
  };
}

// Runs body(env, prefix) and turns sanitizer reports written meanwhile into failures.
async function watched(suite, mode, body) {
  const reports = join(LOG, `${suite.name.replaceAll(" ", "-")}-reports`);
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });
  const { env, prefix } = sanitizer(mode, reports);
  await body(env, prefix);
  for (const file of list(reports, /^report/)) {
    suite.add(`sanitizer report ${basename(file)}`, { failed: 1 }, { output: readFileSync(file, "utf8") });
  }
}

async function cmocka(suite, mode, sources, env = {}) {
  if (!(await make(suite, mode, "test-programs"))) return;
  await watched(suite, mode, async (sanitizerEnv, prefix) => {
    await inParallel(cpus().length, sources.map((source) => async () => {
      const program = join(BUILD, mode, source.replace(/\.c$/, ""));
      const result = await execute([...prefix, program], { env: { ...sanitizerEnv, ...env }, timeout: 3 * MINUTE });
      suite.add(source, countCmocka(result.output), result);
    }));
  });
}

async function nodeTests(suite, mode, folder, { pattern = /\.test\.mjs$/, concurrency = 1, env = {}, timeout = 10 * MINUTE } = {}) {
  const files = list(folder, pattern);
  if (files.length === 0) return;
  if (!(await make(suite, mode, "parleyd", "parleyctl", "conformance-application"))) return;
  if (!(await make(suite, "release", "web", "test-modules"))) return;
  await watched(suite, mode, async (sanitizerEnv, prefix) => {
    const argv = [process.execPath, "--test", `--test-concurrency=${concurrency}`, "--test-reporter=spec", ...files];
    const result = await execute([...prefix, ...argv], {
      timeout,
      env: {
        PARLEYD: join(BUILD, mode, "parleyd"),
        PARLEYCTL: join(BUILD, mode, "parleyctl"),
        CONFORMANCE_APPLICATION: join(BUILD, mode, "tests/conformance/application"),
        PARLEY_WEB_ROOT: resolve("web/dist"),
        PARLEY_MODE: mode,
        ...sanitizerEnv,
        ...env,
      },
    });
    suite.add(folder, countNode(result.output), result);
  });
}

async function fuzzTarget(suite, source) {
  const target = basename(source, ".c");
  const folder = join(BUILD, "fuzz");
  const found = join(folder, "found", target);
  mkdirSync(found, { recursive: true });
  const seeds = [`tests/fuzz/corpus/${target}`, `tests/fuzz/corpus/${target.replace(/^fuzz_/, "")}`].filter(existsSync);
  const dictionary = `tests/fuzz/${target}.dict`;
  const argv = [
    join(folder, target),
    `-max_total_time=${FUZZ_SECONDS}`,
    `-runs=${FUZZ_SECONDS * 1_000_000}`,
    "-timeout=10",
    "-rss_limit_mb=2048",
    `-artifact_prefix=${found}-`,
    ...(existsSync(dictionary) ? [`-dict=${dictionary}`] : []),
    found,
    ...seeds,
  ];
  const result = await execute(argv, { timeout: FUZZ_SECONDS * 1000 + 2 * MINUTE });
  suite.add(target, { passed: result.problem ? 0 : 1 }, result);
}

// --- Suites ----------------------------------------------------------------------------------------------------------

const unitSources = () => list("tests/unit", /^\w+$/).flatMap((folder) => list(folder, /^test_.*\.c$/));
const contractSources = () => list("tests/contract", /^(test|bus)_.*\.c$/);

async function suite(name, body) {
  const it = new Suite(name);
  try {
    await body(it);
  } catch (error) {
    it.add("the runner itself", { failed: 1 }, { output: error.stack });
  }
  it.end();
}

async function sanitized(mode) {
  await suite(`${mode} unit`, (s) => cmocka(s, mode, unitSources()));
  await suite(`${mode} contract`, async (s) => cmocka(s, mode, contractSources(), await servers(s)));
  await suite(`${mode} integration`, async (s) =>
    nodeTests(s, mode, "tests/integration", { concurrency: 3, timeout: 15 * MINUTE, env: await servers(s) }));
  // Attacks and shortages, for what they make the server do: how long it takes is looked at in the suite `fault`.
  await suite(`${mode} fault`, (s) =>
    nodeTests(s, mode, "tests/fault", {
      pattern: /^(hostile|limits)\.test\.mjs$/,
      concurrency: 2,
      env: { FAULT_SHORT: "1", FAULT_FLOOR_MS: "1000" },
    }));
}

const SUITES = {
  unit: () => suite("unit", (s) => cmocka(s, "release", unitSources())),
  contract: () => suite("contract", async (s) => cmocka(s, "release", contractSources(), await servers(s))),
  web: () =>
    suite("web", async (s) => {
      if (!(await make(s, "release", "web", "test-modules"))) return;
      const result = await execute(["npm", "test"], { cwd: "web" });
      s.add("web", countNode(result.output), result);
    }),
  client: () =>
    suite("client", async (s) => {
      if (!(await make(s, "release", "client", "test-modules"))) return;
      const result = await execute(["npm", "test"], { cwd: CLIENT });
      s.add("without a server", countNode(result.output), result);
      await nodeTests(s, "release", `${CLIENT}/test`);
    }),
  integration: () =>
    suite("integration", async (s) =>
      nodeTests(s, "release", "tests/integration", { concurrency: 3, env: await servers(s) })),
  fault: () =>
    suite("fault", async (s) =>
      nodeTests(s, "release", "tests/fault", {
        // The history checker holds all that was ever seen: in the long form that is more than node takes by itself.
        env: { FAULT_SECONDS: String(FAULT_SECONDS), NODE_OPTIONS: "--max-old-space-size=8192", ...(await servers(s)) },
        timeout: 4 * MINUTE + FAULT_SECONDS * 10_000,
      })),
  fuzz: () =>
    suite("fuzz", async (s) => {
      if (!(await make(s, "fuzz", "fuzz-programs"))) return;
      await inParallel(cpus().length, list("tests/fuzz", /^fuzz_.*\.c$/).map((source) => () => fuzzTarget(s, source)));
    }),
  browser: () =>
    suite("browser", async (s) => nodeTests(s, "release", "tests/browser", { concurrency: 2, env: await servers(s) })),
  // Clients that others have made, as they are, and the examples.
  interop: () =>
    suite("interop", async (s) => {
      if (!(await make(s, "release", "examples"))) return;
      await nodeTests(s, "release", "tests/interop", { pattern: /^(?!java|rust).*\.test\.mjs$/, concurrency: 2, env: await servers(s) });
    }),
  // Clients in other languages. What one takes may not be to be had; then its tests are left out, and that is said.
  "interop-built": () =>
    suite("interop-built", async (s) => {
      for (const [language, env] of [
        ["java", { INTEROP_JAVA: join(BUILD, "interop/java") }],
        ["rust", { INTEROP_RUST: join(BUILD, "interop/rust/debug/interop") }],
      ]) {
        const got = await execute(makeArgv("release", `interop-${language}-libraries`), { timeout: 15 * MINUTE });
        if (got.problem) s.leaveOut(`the client in ${language}: what it takes cannot be had`, got);
        else if (await make(s, "release", `interop-${language}`))
          await nodeTests(s, "release", "tests/interop", { pattern: new RegExp(`^${language}\\.test\\.mjs$`), env });
      }
    }),
  deploy: () => suite("deploy", (s) => nodeTests(s, "release", "tests/deploy", { timeout: 60 * MINUTE })),
  asan: () => sanitized("asan"),
  tsan: () => sanitized("tsan"),
};

// Only when they are asked for: one starts a container engine and installs whole systems, the other brings a toolchain.
const ON_REQUEST = ["deploy", "interop-built"];

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(SUITES).filter((name) => !ON_REQUEST.includes(name));
const unknown = wanted.find((name) => !Object.hasOwn(SUITES, name));
if (unknown) {
  console.error(`no suite is called '${unknown}'; there are: ${Object.keys(SUITES).join(" ")}`);
  process.exit(2);
}
mkdirSync(LOG, { recursive: true });
for (const name of wanted) await SUITES[name]();
await Promise.allSettled(started.map((stop) => stop()));
if (total.failed > 0) console.log(`\nIn short, what failed; the logs are in ${LOG}\n${briefly.join("\n")}\n`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed > 0 ? 1 : 0;
