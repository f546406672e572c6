import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSlash } from "../src/slash";

test("a command is a word behind a slash at the beginning, and what follows", () => {
  assert.deepEqual(parseSlash("/weather"), { command: "weather", rest: "" });
  assert.deepEqual(parseSlash("/Weather  in Turku \n now "), { command: "weather", rest: "in Turku \n now" });
  assert.deepEqual(parseSlash("/a.b-c_d x"), { command: "a.b-c_d", rest: "x" });
});

test("what only looks like one is none", () => {
  for (const text of ["", "/", "//x", "/ x", "/etc/passwd", "/-x", " /x", "x /y", "/ünï", `/${"x".repeat(33)}`]) {
    assert.equal(parseSlash(text), null, text);
  }
});
