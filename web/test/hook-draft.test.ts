import assert from "node:assert/strict";
import { test } from "node:test";
import type { Hook } from "@parley/client";
import { changesOf, draftOf, emptyDraft, isDeaf, settingsOf } from "../src/view/dialogs/hookDraft";

const hook = (more: Partial<Hook>): Hook => ({
  id: "h",
  kind: "outgoing",
  channel: "c",
  creator: "u",
  bot: "h",
  name: "Watcher",
  enabled: true,
  created_at: "2026-01-02T03:04:05.678Z",
  ...more,
});
const outgoing = hook({ icon: ":eyes:", url: "https://example.org/", events: ["message.created", "member.left"], trigger: "deploy" });

test("a new hook is made with what its kind has, and with nothing that was left empty", () => {
  const draft = { ...emptyDraft(), name: "CI", icon: "  ", url: "https://example.org/", command: "ci", trigger: " go " };
  assert.deepEqual(settingsOf("incoming", draft), { name: "CI" });
  assert.deepEqual(settingsOf("slash", { ...draft, icon: " 🚀 " }), { name: "CI", icon: "🚀", url: draft.url, command: "ci" });
  assert.deepEqual(settingsOf("outgoing", draft), { name: "CI", url: draft.url, events: ["message.created"], trigger: "go" });
});

test("nothing changed is nothing to save", () => {
  for (const one of [outgoing, hook({ kind: "incoming" }), hook({ kind: "slash", url: "https://example.org/", command: "x" })])
    assert.equal(changesOf(one, draftOf(one)), null, one.kind);
  assert.equal(changesOf(outgoing, { ...draftOf(outgoing), events: new Set(["member.left", "message.created"] as const) }), null, "another order");
});

test("only what is different is changed", () => {
  assert.deepEqual(changesOf(outgoing, { ...draftOf(outgoing), url: "https://example.org/2" }), { url: "https://example.org/2" });
  assert.deepEqual(changesOf(outgoing, { ...draftOf(outgoing), events: new Set(["message.created", "member.joined"] as const) }), {
    events: ["message.created", "member.joined"],
  });
  assert.deepEqual(changesOf(hook({ kind: "slash", url: "https://example.org/", command: "x" }), { ...emptyDraft(), name: "Y", url: "https://example.org/", command: "y" }), {
    name: "Y",
    command: "y",
  });
});

test("an icon and a trigger that were emptied are taken away", () => {
  assert.deepEqual(changesOf(outgoing, { ...draftOf(outgoing), icon: "", trigger: " " }), { icon: "", trigger: "" });
});

test("an outgoing webhook needs something to be told of, others do not", () => {
  const draft = { ...emptyDraft(), events: new Set<never>() };
  assert.equal(isDeaf("outgoing", draft), true);
  assert.equal(isDeaf("incoming", draft), false);
  assert.equal(isDeaf("slash", emptyDraft()), false);
});
