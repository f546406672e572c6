import assert from "node:assert/strict";
import { test } from "node:test";
import { emojiOf } from "../src/text/emoji";

test("an icon is an emoji, or the name of one", () => {
  assert.equal(emojiOf("🚀"), "🚀");
  assert.equal(emojiOf("👩‍💻"), "👩‍💻");
  assert.equal(emojiOf("🇫🇮"), "🇫🇮");
  assert.equal(emojiOf(":rocket:"), "🚀");
});

test("what is none is not shown", () => {
  for (const icon of [undefined, "", "rocket", ":", "::", ":no_such_thing:", ":constructor:", ":__proto__:", "Ann", "A🚀", "🚀 Ann", "🚀Ann", "🚀".repeat(20), "https://x.example/a.png", "7"]) {
    assert.equal(emojiOf(icon), undefined, icon);
  }
});
