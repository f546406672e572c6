// The build itself: hardened programs, set-up that fetches only what is missing, libraries that cannot call upwards,
// nothing rebuilt that is current, and a test runner that does not call a crash a success.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const { PARLEYD, PARLEYCTL, PARLEY_MODE = "release" } = process.env;
const onlyRelease = PARLEY_MODE === "release" ? {} : { skip: "the release build is what this is about" };

const folders = [];
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), "parley-build-"));
  folders.push(folder);
  return folder;
}

function write(folder, path, text, mode = 0o644) {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
  chmodSync(join(folder, path), mode);
}

// --- Hardening -------------------------------------------------------------------------------------------------------

function readelf(program, ...options) {
  const run = spawnSync("readelf", ["--wide", ...options, program], { encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
  return run.stdout;
}

for (const [name, program] of Object.entries({ parleyd: PARLEYD, parleyctl: PARLEYCTL })) {
  test(`${name} is hardened`, onlyRelease, () => {
    const dynamic = readelf(program, "--dynamic");
    const segments = readelf(program, "--segments");
    const symbols = readelf(program, "--dyn-syms");
    assert.match(dynamic, /FLAGS_1.*\bPIE\b/, "position independent");
    assert.match(dynamic, /FLAGS_1.*\bNOW\b/, "all symbols bound at start");
    assert.match(segments, /GNU_RELRO/, "relocations read-only");
    assert.match(segments, /GNU_STACK\s+\S+ \S+ \S+ \S+ \S+ RW /, "stack not executable");
    assert.doesNotMatch(segments, /LOAD\s.*\bRWE\b/, "nothing both writable and executable");
    assert.match(symbols, /__stack_chk_fail/, "stack protector");
    assert.match(symbols, /__\w+_chk@/, "fortified library calls");
    assert.doesNotMatch(dynamic, /R(UN)?PATH/, "no library path of the build machine");
    if (process.arch === "x64") {
      const main = spawnSync("objdump", ["-d", "--disassemble=main", program], { encoding: "utf8" }).stdout;
      assert.match(main, /<main>:\n.*\bendbr64\b/, "control flow protection");
    }
  });
}

// --- Set-up ----------------------------------------------------------------------------------------------------------

const TOOLS = ["bash", "env", "dirname", "grep", "sort", "awk", "cut", "tr", "cat"];

// A machine made of a PATH: `installed` packages, node's version, and what apt-get does. Commands it runs go to a log.
function machine({ missing = [], node = "v20.0.0", uid = 0, sudo = true, apt = "exit 0" } = {}) {
  const bin = temporaryFolder();
  for (const tool of TOOLS) {
    const real = process.env.PATH.split(delimiter).map((p) => join(p, tool)).find(existsSync);
    symlinkSync(real, join(bin, tool));
  }
  const command = (name, body) => write(bin, name, `#!/bin/bash\n${body}\n`, 0o755);
  write(bin, "missing", missing.map((name) => `${name}\n`).join(""));
  command("dpkg-query", `grep -qx "\${@: -1}" "${bin}/missing" && exit 1; printf installed`);
  command("id", `echo ${uid}`);
  command("apt-get", `echo "apt-get $*" >>"${bin}/log"; install() { : >"${bin}/missing"; }; ${apt}`);
  if (sudo) command("sudo", `echo sudo >>"${bin}/log"; exec "$@"`);
  if (node) {
    command("node", `echo ${node}`);
    command("npm", "exit 0");
  }
  return {
    bootstrap(profile, env = {}) {
      const run = spawnSync(join(ROOT, "scripts/bootstrap"), [profile], { encoding: "utf8", env: { PATH: bin, ...env } });
      const log = existsSync(join(bin, "log")) ? readFileSync(join(bin, "log"), "utf8") : "";
      return { ...run, log };
    },
  };
}

test("bootstrap fetches nothing and says nothing when everything is there", onlyRelease, () => {
  const run = machine().bootstrap("test");
  assert.deepEqual([run.status, run.stdout, run.stderr, run.log], [0, "", "", ""]);
});

test("bootstrap installs only what is missing and says why", onlyRelease, () => {
  const run = machine({ missing: ["libuv1-dev", "cppcheck"], apt: "install" }).bootstrap("run");
  assert.equal(run.status, 0, run.stderr);
  assert.match(run.stdout, /libuv1-dev +event loops/);
  assert.equal(run.log, "apt-get -q install -y --no-install-recommends libuv1-dev\n");
});

test("bootstrap refreshes the package lists when the first attempt fails", onlyRelease, () => {
  const apt = 'case $* in *update) : >"$0.fresh" ;; *) [ -e "$0.fresh" ] && install ;; esac';
  const run = machine({ missing: ["libuv1-dev"], apt }).bootstrap("run");
  assert.equal(run.status, 0, run.stderr);
  assert.deepEqual(run.log.match(/ (install|update)/g), [" install", " update", " install"]);
});

test("bootstrap says what to do when nothing can be fetched", onlyRelease, () => {
  const run = machine({ missing: ["libuv1-dev"], apt: "exit 100" }).bootstrap("run");
  assert.equal(run.status, 1);
  assert.match(run.stderr, /could not install.*network/);
});

test("bootstrap asks for sudo only when it is not root", onlyRelease, () => {
  assert.match(machine({ missing: ["libuv1-dev"], uid: 1000, apt: "install" }).bootstrap("run").log, /^sudo\napt-get/);
  const without = machine({ missing: ["libuv1-dev"], uid: 1000, sudo: false }).bootstrap("run");
  assert.equal(without.status, 1);
  assert.match(without.stderr, /not root and no sudo.*libuv1-dev/);
});

test("bootstrap takes a node that is new enough, wherever it came from", onlyRelease, () => {
  const missing = ["nodejs", "npm"];
  assert.equal(machine({ missing, node: "v18.19.0" }).bootstrap("run").status, 0);
  assert.equal(machine({ missing, node: "v20.0.0" }).bootstrap("run").log, "");
  assert.match(machine({ missing, node: "v16.20.2", apt: "install" }).bootstrap("run").log, /nodejs npm/);
  assert.match(machine({ missing, node: null, apt: "install" }).bootstrap("run").log, /nodejs npm/);
});

test("bootstrap can be asked only to look, or not to run at all", onlyRelease, () => {
  const look = machine({ missing: ["libuv1-dev"] }).bootstrap("run", { PARLEY_BOOTSTRAP: "check" });
  assert.deepEqual([look.status, look.log], [1, ""]);
  const skip = machine({ missing: ["libuv1-dev"] }).bootstrap("run", { PARLEY_BOOTSTRAP: "skip" });
  assert.deepEqual([skip.status, skip.log], [0, ""]);
  assert.match(machine().bootstrap("nonsense").stderr, /unknown profile 'nonsense'/);
});

// --- A small tree under the real Makefile ----------------------------------------------------------------------------

function smallTree() {
  const tree = temporaryFolder();
  for (const part of ["Makefile", "mk", "scripts"]) cpSync(join(ROOT, part), join(tree, part), { recursive: true });
  write(tree, "base/low.h", "int low(void);\n");
  write(tree, "base/low.c", '#include "base/low.h"\nint low(void)\n{\n    return 1;\n}\n');
  write(tree, "base/other.c", "int other(void);\nint other(void)\n{\n    return 2;\n}\n");
  write(tree, "storage/high.c", '#include "base/low.h"\nint high(void);\nint high(void)\n{\n    return low();\n}\n');
  return tree;
}

function make(tree, ...goals) {
  return makeIn("build", tree, ...goals);
}

function makeIn(build, tree, ...goals) {
  const env = { ...process.env, MAKEFLAGS: undefined, MAKELEVEL: undefined, NODE_TEST_CONTEXT: undefined };
  return spawnSync("make", [`BUILD=${build}`, ...goals], { cwd: tree, encoding: "utf8", env });
}

function cmocka(body) {
  const headers = ["stdarg", "stddef", "setjmp", "stdint", "stdlib", "cmocka"].map((h) => `#include <${h}.h>\n`).join("");
  return `${headers}int low(void);\nint high(void);\nstatic void holds(void **state)\n{\n    (void)state;\n    ${body}\n}\n
int main(void)\n{\n    const struct CMUnitTest tests[] = {cmocka_unit_test(holds)};
    return cmocka_run_group_tests(tests, NULL, NULL);\n}\n`;
}

test("make rebuilds what a changed header touches, drops a removed source, and nothing else", onlyRelease, () => {
  const tree = smallTree();
  assert.equal(make(tree).status, 0);
  assert.doesNotMatch(make(tree).stdout, /CC|AR|LINK/);
  write(tree, "base/low.h", "int low(void); /* changed */\n");
  const changed = make(tree).stdout;
  assert.deepEqual(changed.match(/CC +\S+/g).map((l) => l.slice(2).trim()).sort(), ["base/low.c", "storage/high.c"]);
  write(tree, "base/low.h", "int low(void); /* and again */\n");
  assert.match(makeIn(join(tree, "build"), tree).stdout, /CC +base\/low\.c/, "the same folder by another name");
  rmSync(join(tree, "base/other.c"));
  assert.equal(make(tree).status, 0);
  const members = spawnSync("ar", ["t", join(tree, "build/release/libbase.a")], { encoding: "utf8" }).stdout;
  assert.equal(members, "low.o\n");
});

test("a call in the wrong direction fails to link", onlyRelease, () => {
  const tree = smallTree();
  write(tree, "tests/unit/storage/test_down.c", cmocka("assert_int_equal(high(), low());"));
  const down = make(tree, "test-programs");
  assert.equal(down.status, 0, down.stderr);
  write(tree, "tests/unit/base/test_up.c", cmocka("assert_int_equal(high(), 1);"));
  const up = make(tree, "test-programs");
  assert.notEqual(up.status, 0);
  assert.match(up.stderr, /undefined reference to `high'/);
});

test("the test runner counts crashes, failures and empty suites, and goes on after them", onlyRelease, () => {
  const tree = smallTree();
  write(tree, "tests/unit/base/test_good.c", cmocka("assert_int_equal(low(), 1);"));
  const good = make(tree, "test", "SUITES=unit");
  assert.equal(good.status, 0, good.stdout + good.stderr);
  assert.match(good.stdout, /^1 passed, 0 failed$/m);

  write(tree, "tests/unit/base/test_bad.c", cmocka("assert_int_equal(low(), 2);"));
  write(tree, "tests/unit/base/test_crash.c", "#include <stdlib.h>\nint main(void)\n{\n    abort();\n}\n");
  write(tree, "tests/unit/base/test_empty.c", "int main(void)\n{\n    return 0;\n}\n");
  const bad = make(tree, "test", "SUITES=unit contract");
  assert.notEqual(bad.status, 0);
  assert.match(bad.stdout, /test_crash\.c: SIGABRT/);
  assert.match(bad.stdout, /^contract +0 passed, 1 failed/m);
  assert.equal(bad.stdout.trimEnd().split("\n").at(-1), "1 passed, 4 failed");
});
