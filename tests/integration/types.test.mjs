// What is generated from the server's tables and kept in the tree is what the server says now.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { describe as description, parts, reference } from "../lib/protocol-page.mjs";

const { PARLEYD } = process.env;
const dump = (flag) => execFileSync(PARLEYD, [flag], { encoding: "utf8", maxBuffer: 1 << 24 });

const TYPES = "clients/typescript/src/generated/protocol.ts";

test(`${TYPES} is what the server generates`, () => {
  assert.equal(dump("--dump-typescript"), readFileSync(resolve(TYPES), "utf8"), "run: make types");
});

test("the reference in docs/protocol.md is what the server describes", () => {
  assert.equal(parts().reference.trim(), reference(description()).trim(), "run: node tests/lib/protocol-page.mjs");
});

test("the description and the types name the same commands, events, errors and close codes", () => {
  const types = dump("--dump-typescript");
  const { commands, events, errors, close_codes } = description();
  const section = (name) => types.match(new RegExp(`export interface ${name} \\{\n(.*?)\n\\}`, "s"))[1];
  const keys = (name) => [...section(name).matchAll(/^ {2}"([^"]+)": /gm)].map((match) => match[1]);
  assert.deepEqual(keys("Commands"), commands.map((command) => command.name));
  assert.deepEqual(keys("Events"), events.map((event) => event.name));
  for (const { type } of errors) assert.match(types, new RegExp(`\\| "${type}"`));
  for (const { name, code } of close_codes) assert.match(types, new RegExp(`  ${name}: ${code},`));
  assert.ok(commands.length > 40);
});

test("the rates and limits of the protocol are the defaults of the configuration", () => {
  const { rates, limits } = description();
  const sample = dump("--dump-config-sample");
  const value = (key) => Number(sample.match(new RegExp(`^#?${key} = (\\d+)$`, "m"))?.[1]);
  for (const [name, { per_second, burst }] of Object.entries(rates)) {
    if (name === "none") continue;
    assert.equal(value(`rate_${name}`), per_second, `rate_${name}`);
    assert.equal(value(`rate_${name}_burst`), burst, `rate_${name}_burst`);
  }
  for (const key of ["frame_bytes", "queue_bytes", "resume_events", "heartbeat_ms"]) assert.equal(value(key), limits[key], key);
  assert.equal(value("session_start_timeout_ms"), limits.start_ms);
  assert.equal(value("session_days") * 86400, limits.session_s);
});
