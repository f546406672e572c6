import assert from "node:assert/strict";
import { test } from "node:test";
import { clean } from "../src/text/clean";

test("halves of characters and NUL do not leave the page", () => {
  assert.equal(clean("a\ud83db\udc00c\0"), "a\ufffdb\ufffdc");
  assert.equal(clean("whole \ud83d\ude00 characters stay"), "whole \ud83d\ude00 characters stay");
});

test("space around a text goes, space within stays", () => {
  assert.equal(clean("\n  a\n\n  b \n"), "a\n\n  b");
});
