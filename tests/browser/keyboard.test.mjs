import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as t from "./helpers.mjs";

const chromium = t.useBrowser();
let server;
let ann;
let ben;

before(async () => {
  server = await t.startServer();
  ann = await t.register(server, "ann", "Ann");
  ben = await t.register(server, "ben", "Ben");
  for (const name of ["alpha", "beta", "gamma"]) {
    const { channel } = await t.ok(server, ann, "channel.create", { name });
    await t.ok(server, ben, "channel.join", { channel: channel.id });
  }
});
after(() => server.stop());

function heading(page, name) {
  return page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
}

async function tabTo(page, role, name) {
  const target = page.getByRole(role, { name });
  for (let i = 0; i < 60; i += 1) {
    if (await target.evaluateAll((all) => all.includes(document.activeElement))) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`Tab does not reach the ${role} ${name}`);
}

test("a whole visit without a mouse: sign in, find, read, write, edit, delete, sign out", async () => {
  const page = await t.newPage(chromium);
  const keys = page.keyboard;
  await page.goto(server.url);
  await page.getByRole("heading", { level: 1, name: "Sign in to Parley" }).waitFor();
  await t.focusIsIn(page, "input[autocomplete=username]");
  await keys.type("ben");
  await keys.press("Tab");
  await keys.type(t.PASSWORD);
  await keys.press("Enter");
  await heading(page, "general");
  await t.focusIsIn(page, ".composer textarea");

  await keys.press("Control+k");
  await t.focusIsIn(page, "[role=combobox]");
  await keys.type("gam");
  await page.getByRole("option", { name: "gamma" }).waitFor();
  await t.assertAccessible(page, "the quick switcher");
  await t.screenshot(page, "quick-switcher");
  await keys.press("Enter");
  await heading(page, "gamma");
  await t.focusIsIn(page, ".composer textarea");

  await keys.type("line one");
  await keys.press("Shift+Enter");
  await keys.type("line two");
  await keys.press("Enter");
  await page.locator(".message:not(.sending)", { hasText: "line two" }).waitFor();
  assert.equal(await page.locator(".message").count(), 1);

  await keys.press("ArrowUp");
  await t.focusIsIn(page, ".edit-box textarea");
  await keys.press("Control+a");
  await keys.type("edited by key");
  await keys.press("Enter");
  await page.locator(".message", { hasText: "edited by key" }).waitFor();
  await t.focusIsIn(page, ".composer textarea");

  await keys.press("ArrowUp");
  await t.focusIsIn(page, ".edit-box textarea");
  await keys.press("Escape");
  await t.focusIsIn(page, ".composer textarea");

  await keys.press("F6");
  await t.focusIsIn(page, ".log");
  await keys.press("ArrowUp");
  await t.focusIsIn(page, "article.message");
  await keys.press("e");
  await t.focusIsIn(page, ".edit-box textarea");
  await keys.press("Escape");
  await t.focusIsIn(page, "article.message");
  await keys.press("Tab");
  await t.focusIsIn(page, ".tools button[aria-label=Quote]");
  await keys.press("Shift+Tab");
  await t.focusIsIn(page, "article.message");
  await keys.press("Delete");
  await page.getByRole("heading", { name: "Delete this message?" }).waitFor();
  await keys.press("Enter");
  await page.getByText("This message was deleted.").waitFor();
  await t.focusIsIn(page, "article.message");

  await keys.press("?");
  await page.getByRole("heading", { name: "Keyboard shortcuts" }).waitFor();
  await t.assertAccessible(page, "the list of shortcuts");
  await t.screenshot(page, "shortcuts");
  await keys.press("Escape");
  await t.focusIsIn(page, "article.message");

  await tabTo(page, "button", "Account of Ben");
  await keys.press("Enter");
  await t.focusIsIn(page, "[role=menuitemradio]");
  await keys.press("Escape");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Account of Ben");
  await keys.press("Enter");
  await t.focusIsIn(page, "[role=menuitemradio]");
  await keys.press("End");
  await t.focusIsIn(page, "[role=menuitem]:last-of-type");
  await keys.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Sign in to Parley" }).waitFor();
  await t.close(page);
});

test("Alt and arrows go through the channels, with Shift through the unread ones", async () => {
  const page = await t.open(chromium, server, ben);
  await t.openChannel(page, "alpha");
  await page.keyboard.press("Alt+ArrowDown");
  await heading(page, "beta");
  await page.keyboard.press("Alt+ArrowUp");
  await heading(page, "alpha");
  const gamma = await t.channelNamed(server, ann, "gamma");
  await t.ok(server, ann, "message.send", { channel: gamma.id, text: "over here" });
  await page.locator(".channel.unread", { hasText: "gamma" }).waitFor();
  await page.keyboard.press("Shift+Alt+ArrowDown");
  await heading(page, "gamma");
  await t.close(page);
});

test("names after an @ are completed from the keyboard", async () => {
  const page = await t.open(chromium, server, ben);
  await t.openChannel(page, "beta");
  await page.keyboard.type("hello @an");
  await page.getByRole("option", { name: "Ann" }).waitFor();
  await t.assertAccessible(page, "completing a name");
  await t.screenshot(page, "mention-menu");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector(".composer textarea").value === "hello @ann ");
  await page.keyboard.type("there");
  await page.keyboard.press("Enter");
  await page.locator(".message .mention", { hasText: "@Ann" }).waitFor();
  await t.close(page);
});

test("a dialog keeps the focus in and gives it back to what opened it", async () => {
  const page = await t.open(chromium, server, ben);
  await tabTo(page, "button", "Settings");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  for (let i = 0; i < 12; i += 1) {
    await page.keyboard.press("Tab");
    const place = await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest("dialog") !== null);
    assert.ok(place, "the focus left the dialog");
  }
  await page.getByRole("tab", { name: "Profile" }).focus();
  await page.keyboard.press("ArrowDown");
  assert.equal(await page.getByRole("tab", { name: "Appearance" }).getAttribute("aria-selected"), "true");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Settings");
  await t.close(page);
});

test("the focus is always to be seen", async () => {
  const page = await t.open(chromium, server, ben);
  await t.write(page, "something to focus");
  await page.locator(".message:not(.sending)").first().waitFor();
  const unseen = [];
  for (let i = 0; i < 30; i += 1) {
    await page.keyboard.press("Tab");
    const found = await page.evaluate(() => {
      const element = document.activeElement;
      if (element === document.body || element.matches(".composer textarea")) return null;
      const style = getComputedStyle(element);
      return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 ? null : element.outerHTML.slice(0, 80);
    });
    if (found !== null) unseen.push(found);
  }
  assert.deepEqual(unseen, []);
  await t.close(page);
});
