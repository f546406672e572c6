import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import * as t from "./helpers.mjs";

const chromium = t.useBrowser();
let server;
let ann;
let ben;
let room;
let round = 0;

before(async () => {
  server = await t.startServer();
  ann = await t.register(server, "ann", "Ann");
  ben = await t.register(server, "ben", "Ben");
});
after(() => server.stop());

beforeEach(async () => {
  round += 1;
  const made = await t.ok(server, ann, "channel.create", { name: `room-${round}` });
  room = made.channel;
  await t.ok(server, ben, "channel.join", { channel: room.id });
});

async function stored() {
  const { messages } = await t.ok(server, ann, "message.history", { channel: room.id, limit: 200 });
  return messages.map((m) => m.text);
}

async function back(page) {
  const now = page.getByRole("button", { name: "Try now" });
  if (await now.isVisible()) await now.click().catch(() => undefined);
  await page.locator(".bar").waitFor({ state: "detached" });
}

test("a killed server loses nothing, repeats nothing and keeps the order, on both sides", async () => {
  const [a, b] = [await t.open(chromium, server, ann), await t.open(chromium, server, ben)];
  await t.openChannel(a, room.name);
  await t.openChannel(b, room.name);
  await t.write(a, "1");
  await t.hasTexts(b, ["1"]);
  // Killed while messages are on their way: what was answered and what was not is all the same to the reader.
  for (let n = 2; n <= 6; n += 1) await t.write(a, String(n));
  await server.kill();
  for (let n = 7; n <= 9; n += 1) await t.write(a, String(n));
  await t.write(b, "from Ben");
  await a.getByText("Offline. Messages will be sent when you are back.").waitFor();
  await t.screenshot(a, "offline");
  await t.assertAccessible(a, "being offline");
  await server.restart();
  await back(a);
  await back(b);
  const wanted = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
  const settled = (list) => list.length === 10 && list.filter((x) => x !== "from Ben").join() === wanted.join();
  const final = await t.eventually(stored, settled, "the server has every message once, in order");
  for (const page of [a, b]) {
    await t.hasTexts(page, final);
    assert.equal((await t.texts(page)).length, 10);
    assert.equal(await page.locator(".sending, .failed").count(), 0);
  }
  await t.close(a, b);
});

test("messages written offline survive a reload and are sent once, in order", async () => {
  const a = await t.open(chromium, server, ann);
  await t.openChannel(a, room.name);
  await t.write(a, "before");
  await a.locator(".message:not(.sending)", { hasText: "before" }).waitFor();
  await server.kill();
  await a.locator(".bar").waitFor();
  for (const text of ["first", "second", "third"]) await t.write(a, text);
  assert.equal(await a.locator(".message.sending").count(), 3);
  // The page goes away with the server; what it wrote waits in the browser.
  await a.goto("about:blank");
  await server.restart();
  await a.goto(server.url);
  await t.openChannel(a, room.name);
  const wanted = ["before", "first", "second", "third"];
  await t.hasTexts(a, wanted);
  await t.eventually(stored, (list) => list.length === 4, "the server has them");
  await a.reload();
  await t.hasTexts(a, wanted);
  assert.deepEqual(await stored(), wanted);
  assert.equal(await a.locator(".sending").count(), 0);
  await t.close(a);
});

test("two tabs with the same queue still send each message once", async () => {
  const a = await t.open(chromium, server, ann);
  await t.openChannel(a, room.name);
  await server.kill();
  await a.locator(".bar").waitFor();
  for (const text of ["x", "y"]) await t.write(a, text);
  await server.restart();
  const second = await a.context().newPage();
  await Promise.all([second.goto(`${server.url}/#/c/${room.id}`), back(a)]);
  await t.hasTexts(a, ["x", "y"]);
  await t.hasTexts(second, ["x", "y"]);
  await t.eventually(stored, (list) => list.join() === "x,y", "each is there once");
  await t.close(a);
});

test("edits and deletions made while a reader was away are there when the reader is back", async () => {
  const { message: one } = await t.ok(server, ann, "message.send", { channel: room.id, text: "one" });
  const { message: two } = await t.ok(server, ann, "message.send", { channel: room.id, text: "two" });
  const b = await t.open(chromium, server, ben);
  await t.openChannel(b, room.name);
  await t.hasTexts(b, ["one", "two"]);
  await server.kill();
  await b.locator(".bar").waitFor();
  await b.context().setOffline(true);
  await server.restart();
  await t.ok(server, ann, "message.edit", { message: one.id, text: "one, better" });
  await t.ok(server, ann, "message.delete", { message: two.id });
  await t.ok(server, ann, "message.send", { channel: room.id, text: "three" });
  await b.context().setOffline(false);
  await back(b);
  await b.locator(".message", { hasText: "one, better" }).waitFor();
  await b.getByText("This message was deleted.").waitFor();
  await b.locator(".message", { hasText: "three" }).waitFor();
  assert.equal(await b.locator(".message").count(), 3);
  await t.close(b);
});

test("someone removed while away finds out on coming back", async () => {
  const b = await t.open(chromium, server, ben);
  await t.openChannel(b, room.name);
  await server.kill();
  await b.locator(".bar").waitFor();
  await b.context().setOffline(true);
  await server.restart();
  await t.ok(server, ann, "channel.remove", { channel: room.id, user: ben.user.id });
  await b.context().setOffline(false);
  await back(b);
  await b.getByText(`You are no longer in #${room.name}.`).waitFor();
  await b.locator(".channel", { hasText: room.name }).waitFor({ state: "detached" });
  await t.close(b);
});

test("a session that ended while the server was away leads to signing in", async () => {
  const login = await t.call(server.url, "auth.login", { name: "ben", password: t.PASSWORD });
  const b = await t.open(chromium, server, login.body);
  await b.context().setOffline(true);
  await server.kill();
  await b.locator(".bar").waitFor();
  await server.restart();
  await t.ok(server, ben, "auth.revoke", { session: login.body.session });
  await b.context().setOffline(false);
  await b.getByRole("heading", { level: 1, name: "Sign in to Parley" }).waitFor();
  await t.close(b);
});

test("a server that is shut down in order says so, and the client is back with the next one", async () => {
  const a = await t.open(chromium, server, ann);
  await t.openChannel(a, room.name);
  await server.stop();
  await a.getByText("The server is restarting.").waitFor();
  await t.write(a, "during the restart");
  await server.restart();
  await back(a);
  await t.eventually(stored, (list) => list.join() === "during the restart", "it was sent after the restart");
  await t.close(a);
});

test("too far behind to resume, the conversation is loaded anew and is complete", async () => {
  const few = await t.startServer({ args: ["--resume-events", "5"] });
  const owner = await t.register(few, "owner");
  const { id } = await t.channelNamed(few, owner, "general");
  await t.ok(few, owner, "message.send", { channel: id, text: "0" });
  const page = await t.open(chromium, few, owner);
  await t.hasTexts(page, ["0"]);
  await few.kill();
  await page.locator(".bar").waitFor();
  await page.context().setOffline(true);
  await few.restart();
  for (let n = 1; n <= 12; n += 1) await t.ok(few, owner, "message.send", { channel: id, text: String(n) });
  await page.context().setOffline(false);
  await back(page);
  await page.getByText("The conversations were loaded anew.").waitFor();
  await t.hasTexts(page, Array.from({ length: 13 }, (_, n) => String(n)));
  await t.close(page);
  await few.stop();
});

test("a client that sends too fast is slowed down, told so, and loses nothing", async () => {
  const strict = await t.startServer({ args: ["--rate-limits", "on", "--rate-send", "2", "--rate-send-burst", "3"] });
  const owner = await t.register(strict, "owner");
  const page = await t.open(chromium, strict, owner);
  const wanted = Array.from({ length: 8 }, (_, n) => `fast ${n}`);
  for (const text of wanted) await t.write(page, text);
  await page.getByText("You are sending faster than the server takes.").waitFor();
  await t.screenshot(page, "rate-limited");
  await page.waitForFunction(() => document.querySelectorAll(".message:not(.sending, .failed)").length === 8);
  await t.hasTexts(page, wanted);
  await t.close(page);
  await strict.stop();
});
