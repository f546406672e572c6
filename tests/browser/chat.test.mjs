import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as t from "./helpers.mjs";

const chromium = t.useBrowser();
let server;
let ann;
let ben;

before(async () => {
  server = await t.startServer();
  ann = await t.register(server, "ann", "Ann Lindqvist");
  ben = await t.register(server, "ben", "Ben Okafor");
});
after(() => server.stop());

/** A channel of its own for a test, with Ann as its moderator. */
async function channel(name, options = {}) {
  const made = await t.ok(server, ann, "channel.create", { name, ...options });
  if (options.type !== "private") await t.ok(server, ben, "channel.join", { channel: made.channel.id });
  return made.channel;
}

test("two people see each other's messages live, and a reload keeps them", async () => {
  await channel("live");
  const [a, b] = [await t.open(chromium, server, ann), await t.open(chromium, server, ben)];
  await t.openChannel(a, "live");
  await t.openChannel(b, "live");
  await t.write(a, "Hello Ben");
  await t.hasTexts(b, ["Hello Ben"]);
  await t.write(b, "Hello Ann");
  await t.hasTexts(a, ["Hello Ben", "Hello Ann"]);
  await a.reload();
  await t.hasTexts(a, ["Hello Ben", "Hello Ann"]);
  assert.equal(await a.getByRole("heading", { level: 1 }).innerText(), "live", "the reload comes back to its channel");
  await t.close(a, b);
});

test("a sent message is there within a frame, dimmed until it is durable, and never twice", async () => {
  await channel("fast");
  const a = await t.open(chromium, server, ann);
  await t.openChannel(a, "fast");
  await a.getByText("This is the start of #fast").waitFor();
  const shown = await a.evaluate(async () => {
    const box = document.querySelector(".composer textarea");
    box.value = "At once";
    box.dispatchEvent(new Event("input", { bubbles: true }));
    await new Promise((resolve) => requestAnimationFrame(resolve));
    box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
    await new Promise((resolve) => requestAnimationFrame(resolve));
    return document.querySelectorAll(".message").length;
  });
  assert.equal(shown, 1);
  await a.locator(".message:not(.sending)", { hasText: "At once" }).waitFor();
  assert.deepEqual(await t.texts(a), ["At once"]);
  await t.close(a);
});

test("what people write is text, whatever it looks like", async () => {
  await channel("markup");
  const [a, b] = [await t.open(chromium, server, ann), await t.open(chromium, server, ben)];
  await t.openChannel(a, "markup");
  await t.openChannel(b, "markup");
  await t.write(a, '<img src=x onerror="document.title=1"><script>document.title=1</script> **bold** `code` https://example.org/a @ben!');
  const row = b.locator(".message").last();
  await row.locator("strong", { hasText: "bold" }).waitFor();
  assert.equal(await row.locator("img, script").count(), 0);
  assert.equal(await row.locator("code").innerText(), "code");
  const link = row.getByRole("link", { name: "https://example.org/a" });
  assert.equal(await link.getAttribute("rel"), "noopener noreferrer nofollow");
  assert.equal(await row.locator(".mention.mine").innerText(), "@Ben Okafor");
  await t.close(a, b);
});

test("messages group by author, days are divided, hovering shows tools", async () => {
  await channel("groups");
  const a = await t.open(chromium, server, ann);
  await t.openChannel(a, "groups");
  for (const text of ["one", "two", "three"]) await t.write(a, text);
  await t.hasTexts(a, ["one", "two", "three"]);
  assert.equal(await a.locator(".message .avatar").count(), 1);
  assert.equal(await a.locator(".day").innerText(), "Today");
  await a.locator(".message", { hasText: "two" }).hover();
  assert.equal(await a.locator(".tools").count(), 1);
  await t.close(a);
});

test("an edit and a deletion reach everybody", async () => {
  await channel("changes");
  const [a, b] = [await t.open(chromium, server, ann), await t.open(chromium, server, ben)];
  await t.openChannel(a, "changes");
  await t.openChannel(b, "changes");
  await t.write(a, "frist");
  await t.write(a, "second");
  await t.hasTexts(b, ["frist", "second"]);
  await a.locator(".message", { hasText: "frist" }).hover();
  await a.locator(".tools").getByRole("button", { name: "Edit" }).click();
  await t.focusIsIn(a, ".edit-box textarea");
  await t.assertAccessible(a, "editing a message");
  await a.locator(".edit-box textarea").fill("first");
  await a.locator(".edit-box textarea").press("Enter");
  await b.locator(".message", { hasText: "first" }).getByText("(edited)").waitFor();

  await a.locator(".message", { hasText: "second" }).hover();
  await a.locator(".tools").getByRole("button", { name: "Delete" }).click();
  await a.getByRole("heading", { name: "Delete this message?" }).waitFor();
  await t.assertAccessible(a, "the question before deleting");
  await a.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await b.getByText("This message was deleted.").waitFor();
  await a.getByText("This message was deleted.").waitFor();
  assert.equal(await b.locator(".message", { hasText: "second" }).count(), 0);
  await b.reload();
  await b.getByText("This message was deleted.").waitFor();
  await t.close(a, b);
});

test("typing shows, goes away with the message, and moves nothing", async () => {
  await channel("typing");
  const [a, b] = [await t.open(chromium, server, ann), await t.open(chromium, server, ben)];
  await t.openChannel(a, "typing");
  await t.openChannel(b, "typing");
  const place = await t.composer(a).boundingBox();
  await t.composer(b).pressSequentially("Hm");
  await a.getByText("Ben Okafor is typing…").waitFor();
  assert.deepEqual(await t.composer(a).boundingBox(), place);
  await t.composer(b).press("Enter");
  await a.getByText("Ben Okafor is typing…").waitFor({ state: "detached" });
  await t.close(a, b);
});

test("unread channels stand out, mentions count, the New divider marks the place, Esc clears it", async () => {
  const made = await channel("news");
  const b = await t.open(chromium, server, ben);
  await t.openChannel(b, "general");
  await t.ok(server, ann, "message.send", { channel: made.id, text: "read this" });
  const link = b.locator(".channel", { hasText: "news" });
  await b.locator(".channel.unread", { hasText: "news" }).waitFor();
  assert.equal(await link.locator(".badge").count(), 0, "a message alone is no badge");
  await t.ok(server, ann, "message.send", { channel: made.id, text: "you too, @ben" });
  await link.locator(".badge").waitFor();
  assert.match(await link.locator(".badge").innerText(), /^1/);
  await b.waitForFunction(() => /^\(\d+\) /.test(document.title));
  await b.reload();
  await link.locator(".badge").waitFor();
  await t.openChannel(b, "news");
  await b.locator(".new").waitFor();
  const order = await b.locator(".new, .message .text").allInnerTexts();
  assert.deepEqual(order, ["New", "read this", "you too, @Ben Okafor"]);
  await t.screenshot(b, "new-divider");
  await b.locator(".channel.unread", { hasText: "news" }).waitFor({ state: "detached" });
  await b.keyboard.press("Escape");
  await b.locator(".new").waitFor({ state: "detached" });
  await b.reload();
  await t.hasTexts(b, ["read this", "you too, @Ben Okafor"]);
  assert.equal(await b.locator(".channel.unread", { hasText: "news" }).count(), 0);
  await t.close(b);
});

test("answering what was unread reads it, on the server too", async () => {
  const made = await channel("answers");
  const b = await t.open(chromium, server, ben);
  await t.openChannel(b, "general");
  await t.ok(server, ann, "message.send", { channel: made.id, text: "question" });
  await b.locator(".channel.unread", { hasText: "answers" }).waitFor();
  await t.openChannel(b, "answers");
  await t.write(b, "answer");
  await t.eventually(
    async () => (await t.ok(server, ben, "channel.get", { channel: made.id })).channel.unread,
    (unread) => unread === 0,
    "nothing is unread",
  );
  await t.close(b);
});

test("reading on one device is reading on all", async () => {
  const made = await channel("devices");
  const login = await t.call(server.url, "auth.login", { name: "ben", password: t.PASSWORD });
  const [one, two] = [await t.open(chromium, server, ben), await t.open(chromium, server, login.body)];
  await t.openChannel(one, "general");
  await t.openChannel(two, "general");
  await t.ok(server, ann, "message.send", { channel: made.id, text: "ping" });
  for (const page of [one, two]) await page.locator(".channel.unread", { hasText: "devices" }).waitFor();
  await t.openChannel(one, "devices");
  await two.locator(".channel.unread", { hasText: "devices" }).waitFor({ state: "detached" });
  await t.close(one, two);
});

test("a direct message opens on both sides, and counts as unread until it is read", async () => {
  const [a, b] = [await t.open(chromium, server, ann), await t.open(chromium, server, ben)];
  await t.openChannel(b, "general");
  await a.getByRole("button", { name: "New message" }).click();
  await a.getByRole("button", { name: "Choose Ben Okafor" }).click();
  await t.assertAccessible(a, "a new message");
  await a.getByRole("button", { name: "Start" }).click();
  await a.getByRole("heading", { level: 1, name: "Ben Okafor" }).waitFor();
  await t.write(a, "Just us");
  const link = b.locator(".channel", { hasText: "Ann Lindqvist" });
  await link.locator(".badge").waitFor();
  await link.click();
  await t.hasTexts(b, ["Just us"]);
  await link.locator(".badge").waitFor({ state: "detached" });
  await link.locator(".presence.online").waitFor();
  await b.locator(".head-topic", { hasText: "Online" }).waitFor();
  await t.screenshot(b, "direct-message");
  await t.close(a, b);
});

test("channels are found, joined, made, described, left and archived from the client", async () => {
  await t.ok(server, ann, "channel.create", { name: "garden", topic: "Plants" });
  const b = await t.open(chromium, server, ben);
  await b.getByRole("button", { name: "Browse channels" }).click();
  await b.getByLabel("Find", { exact: true }).fill("gard");
  await b.getByRole("button", { name: "Join #garden" }).click();
  await b.getByRole("heading", { level: 1, name: "garden" }).waitFor();
  await b.getByRole("button", { name: "Details, 2 members" }).click();
  await b.getByRole("button", { name: "Leave channel" }).click();
  await b.getByRole("dialog").getByRole("button", { name: "Leave" }).click();
  await b.locator(".channel", { hasText: "garden" }).waitFor({ state: "detached" });

  await b.getByRole("button", { name: "Create a channel" }).click();
  await b.getByLabel("Name", { exact: true }).fill("My Shed");
  await b.getByLabel("Private").check();
  await t.assertAccessible(b, "a new channel");
  await b.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  await b.getByRole("heading", { level: 1, name: "my-shed" }).waitFor();
  await t.screenshot(b, "empty-channel");
  await b.locator(".start").getByRole("button", { name: "Add a topic" }).click();
  await b.getByLabel("Topic", { exact: true }).fill("Tools and wood");
  await b.getByRole("button", { name: "Save" }).click();
  await b.locator(".head-topic", { hasText: "Tools and wood" }).waitFor();

  const a = await t.open(chromium, server, ann);
  await b.locator(".start").getByRole("button", { name: "Add people" }).click();
  await b.getByRole("button", { name: "Add Ann Lindqvist" }).click();
  await b.getByRole("button", { name: "Done" }).click();
  await a.locator(".channel", { hasText: "my-shed" }).waitFor();
  await a.getByText("You were added to #my-shed.").waitFor();

  const archive = b.getByRole("button", { name: "Archive" });
  if (!(await archive.isVisible())) await b.getByRole("button", { name: /^Details/ }).click();
  await archive.click();
  await b.getByRole("dialog").getByRole("button", { name: "Archive" }).click();
  await b.getByText("This channel is archived.").waitFor();
  await t.assertAccessible(b, "an archived channel");
  await t.close(a, b);
});

test("someone who is removed from a channel is told and shown elsewhere", async () => {
  await channel("club");
  const [a, b] = [await t.open(chromium, server, ann), await t.open(chromium, server, ben)];
  await t.openChannel(b, "club");
  await t.openChannel(a, "club");
  await a.getByRole("button", { name: "Details, 2 members" }).click();
  await a.getByRole("button", { name: "Actions for Ben Okafor" }).click();
  await t.assertAccessible(a, "the details panel with a menu");
  await a.getByRole("menuitem", { name: "Remove from channel" }).click();
  await a.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await b.getByText("You are no longer in #club.").waitFor();
  await b.getByRole("heading", { level: 1, name: "general" }).waitFor();
  await t.screenshot(b, "removed");
  await a.getByRole("button", { name: "Details, 1 member" }).waitFor();
  await t.close(a, b);
});

test("a message that the server refuses stays with Retry and Delete, over a reload too", async () => {
  const made = await channel("refused");
  const b = await t.open(chromium, server, ben);
  await t.openChannel(b, "refused");
  // On its way the text grows beyond what the server takes, so that the refusal is the server's own.
  await b.evaluate(() => {
    const old = WebSocket.prototype.send;
    WebSocket.prototype.send = function send(data) {
      return old.call(this, data.replace("please keep", "x".repeat(20_000)));
    };
  });
  await t.write(b, "please keep");
  await b.locator(".message.failed").waitFor();
  await b.getByText("Not sent.").waitFor();
  await t.assertAccessible(b, "a failed message");
  await t.screenshot(b, "failed-message");
  await b.getByRole("button", { name: "Retry" }).click();
  await b.locator(".message.failed").waitFor();
  await b.reload();
  await b.locator(".message.failed", { hasText: "please keep" }).waitFor();
  await b.getByRole("button", { name: "Retry" }).click();
  await b.locator(".message:not(.failed, .sending)", { hasText: "please keep" }).waitFor();
  const { messages } = await t.ok(server, ben, "message.history", { channel: made.id });
  assert.deepEqual(messages.map((m) => m.text), ["please keep"]);
  await t.close(b);
});

test("a failed message can be deleted", async () => {
  await channel("thrown");
  const b = await t.open(chromium, server, ben);
  await t.openChannel(b, "thrown");
  await b.evaluate(() => {
    const old = WebSocket.prototype.send;
    WebSocket.prototype.send = function send(data) {
      return old.call(this, data.replace("never mind", "x".repeat(20_000)));
    };
  });
  await t.write(b, "never mind");
  await b.locator(".message.failed").waitFor();
  await b.locator(".failure").getByRole("button", { name: "Delete" }).click();
  await b.locator(".message.failed").waitFor({ state: "detached" });
  await b.reload();
  await b.getByText("This is the start of #thrown").waitFor();
  assert.equal(await b.locator(".message").count(), 0);
  await t.close(b);
});

test("drafts stay with their channel, over a reload too", async () => {
  await channel("drafts");
  const a = await t.open(chromium, server, ann);
  await t.openChannel(a, "drafts");
  await t.composer(a).fill("not finished");
  await t.openChannel(a, "general");
  assert.equal(await t.composer(a).inputValue(), "");
  await a.locator(".channel", { hasText: "drafts" }).locator(".channel-draft").waitFor();
  await a.reload();
  await t.openChannel(a, "drafts");
  assert.equal(await t.composer(a).inputValue(), "not finished");
  await t.close(a);
});

test("a counter appears before a message gets too long, and too long a one is not sent", async () => {
  await channel("long");
  const a = await t.open(chromium, server, ann);
  await t.openChannel(a, "long");
  await t.composer(a).fill("x".repeat(14_000));
  assert.equal(await a.locator(".counter").count(), 0);
  await t.composer(a).fill("é".repeat(7_600));
  assert.equal(await a.locator(".counter").innerText(), "1184 left");
  await t.composer(a).fill("é".repeat(8_193));
  assert.equal(await a.locator(".counter").innerText(), "2 too long");
  await t.composer(a).press("Enter");
  assert.equal(await a.locator(".message").count(), 0);
  await t.assertAccessible(a, "a message that is too long");
  await t.screenshot(a, "too-long");
  await t.composer(a).fill("x".repeat(16_384));
  await t.composer(a).press("Enter");
  await a.locator(".message:not(.sending)").waitFor();
  await t.close(a);
});

test("new messages are announced one at a time as name and text, and the log itself stays silent", async () => {
  const made = await channel("spoken");
  const b = await t.open(chromium, server, ben);
  await t.openChannel(b, "spoken");
  assert.equal(await b.getByRole("log").getAttribute("aria-live"), "off");
  await b.evaluate(() => {
    globalThis.heard = [];
    const region = document.querySelector("[data-testid=announcer]");
    new MutationObserver(() => globalThis.heard.push(region.textContent)).observe(region, {
      childList: true,
      characterData: true,
      subtree: true,
    });
  });
  await t.ok(server, ann, "message.send", { channel: made.id, text: "**Tea** is ready" });
  await t.ok(server, ann, "message.send", { channel: made.id, text: "Biscuits too" });
  const heard = await t.eventually(
    () => b.evaluate(() => globalThis.heard),
    (list) => list.filter((text) => text !== "").length === 2,
    "two announcements",
  );
  assert.deepEqual(heard.filter((text) => text !== ""), ["Ann Lindqvist: Tea is ready", "Ann Lindqvist: Biscuits too"]);
  await t.close(b);
});
