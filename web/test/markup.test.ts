import assert from "node:assert/strict";
import { test } from "node:test";
import { inline, isEmojiOnly, parse, plain } from "../src/text/markup";

test("plain text is one paragraph with its line breaks", () => {
  assert.deepEqual(parse("a\nb"), [
    { kind: "paragraph", lines: [[{ kind: "text", text: "a" }], [{ kind: "text", text: "b" }]] },
  ]);
});

test("markup of the page is only text", () => {
  assert.deepEqual(inline("<img src=x onerror=alert(1)>"), [{ kind: "text", text: "<img src=x onerror=alert(1)>" }]);
});

test("code spans keep what is in them as it is", () => {
  assert.deepEqual(inline("a `**b** <c>` d"), [
    { kind: "text", text: "a " },
    { kind: "code", text: "**b** <c>" },
    { kind: "text", text: " d" },
  ]);
});

test("a fenced block is code; without its end it is text", () => {
  assert.deepEqual(parse("```js\nlet a;\n```"), [{ kind: "code", language: "js", text: "let a;" }]);
  assert.equal(parse("```js\nlet a;")[0]?.kind, "paragraph");
});

test("quotes nest, but not for ever", () => {
  const quote = parse("> a\n> > b")[0];
  assert.ok(quote?.kind === "quote" && quote.blocks[1]?.kind === "quote");
  assert.ok(JSON.stringify(parse("> ".repeat(500) + "x")).length < 2_000);
});

test("lists of both kinds, the numbered one from its own number", () => {
  assert.deepEqual(parse("- a\n- b").map((b) => b.kind === "list" && b.items.length), [2]);
  const numbered = parse("3. a\n4. b")[0];
  assert.ok(numbered?.kind === "list" && numbered.ordered && numbered.start === 3);
});

test("links end before the sentence's own punctuation", () => {
  assert.deepEqual(inline("see https://example.org/a(b)?c=1, ok"), [
    { kind: "text", text: "see " },
    { kind: "link", href: "https://example.org/a(b)?c=1", text: "https://example.org/a(b)?c=1" },
    { kind: "text", text: ", ok" },
  ]);
  const bracketed = inline("(https://example.org)");
  assert.equal(bracketed[1]?.kind === "link" && bracketed[1].text, "https://example.org");
});

test("only http and https are links", () => {
  for (const text of ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd"]) {
    assert.deepEqual(inline(text), [{ kind: "text", text }]);
  }
});

test("mentions are names after an @ that no word runs into", () => {
  assert.deepEqual(inline("hi @ann.b, mail a@b.org"), [
    { kind: "text", text: "hi " },
    { kind: "mention", name: "ann.b" },
    { kind: "text", text: ", mail a@b.org" },
  ]);
});

test("emphasis, and stars that are not", () => {
  assert.deepEqual(inline("**a** _b_ ~~c~~").map((n) => n.kind), ["strong", "text", "em", "text", "strike"]);
  assert.deepEqual(inline("2 * 3 * 4 and snake_case_name"), [{ kind: "text", text: "2 * 3 * 4 and snake_case_name" }]);
});

test("nothing makes parsing slow", () => {
  const began = process.hrtime.bigint();
  for (const piece of ["*a", "**", "_a ", "`", "~~", "@", "http://", "> ", "- ", "```\n"]) {
    parse(piece.repeat(Math.floor(16_384 / piece.length)));
  }
  assert.ok(Number(process.hrtime.bigint() - began) / 1e6 < 2_000);
});

test("what is read out has no marks", () => {
  assert.equal(plain("> **a** `b`\n```\nc\n```"), "a b c");
});

test("a few emoji alone are shown large", () => {
  assert.equal(isEmojiOnly("🎉"), true);
  assert.equal(isEmojiOnly("👍🏽 🎉"), true);
  assert.equal(isEmojiOnly("ok 🎉"), false);
  assert.equal(isEmojiOnly("12"), false);
});
