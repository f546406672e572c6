import assert from "node:assert/strict";
import { test } from "node:test";
import { covers, Heights, offsets, rangeFor, rowAt } from "../src/list/virtual";

test("offsets are where rows start, and the last one is the whole height", () => {
  assert.deepEqual(offsets([10, 20, 30]), [0, 10, 30, 60]);
  assert.deepEqual(offsets([]), [0]);
});

test("the row at a position is the last that starts at or before it", () => {
  const starts = offsets([10, 20, 30]);
  assert.deepEqual([-5, 0, 9, 10, 29, 30, 59, 1_000].map((p) => rowAt(starts, p)), [0, 0, 0, 1, 1, 2, 2, 2]);
});

test("a range covers the viewport and the overscan", () => {
  const starts = offsets(new Array<number>(1_000).fill(20));
  assert.deepEqual(rangeFor(starts, 10_000, 400, 200, 300), { start: 490, end: 531 });
  assert.deepEqual(rangeFor(starts, 0, 400, 200, 300), { start: 0, end: 31 });
  assert.deepEqual(rangeFor(starts, 19_600, 400, 200, 300), { start: 970, end: 1_000 });
});

test("a range never has more rows than allowed, and keeps the middle of the viewport", () => {
  const starts = offsets(new Array<number>(100_000).fill(1));
  const range = rangeFor(starts, 50_000, 800, 1_200, 160);
  assert.equal(range.end - range.start, 160);
  assert.ok(range.start <= 50_400 && range.end > 50_400);
});

test("an empty list has an empty range", () => {
  assert.deepEqual(rangeFor([0], 0, 400, 200, 300), { start: 0, end: 0 });
});

test("what is rendered covers the viewport with a margin, or ends where the list ends", () => {
  const starts = offsets(new Array<number>(100).fill(20));
  assert.equal(covers({ start: 20, end: 60 }, starts, 600, 400, 100), true);
  assert.equal(covers({ start: 20, end: 60 }, starts, 450, 400, 100), false);
  assert.equal(covers({ start: 20, end: 60 }, starts, 750, 400, 100), false);
  assert.equal(covers({ start: 0, end: 60 }, starts, 0, 400, 100), true);
  assert.equal(covers({ start: 60, end: 100 }, starts, 1_600, 400, 100), true);
});

test("heights are estimates until they are measured", () => {
  const heights = new Heights();
  assert.equal(heights.get("a", 40), 40);
  assert.equal(heights.set("a", 66), true);
  assert.equal(heights.set("a", 66), false);
  assert.equal(heights.get("a", 40), 66);
});
