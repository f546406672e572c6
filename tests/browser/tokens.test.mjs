// Tokens and bots in the settings: made, shown once, used, ended.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as t from "./helpers.mjs";

const chromium = t.useBrowser();
let server;
before(async () => {
  server = await t.startServer();
});
after(() => server.stop());

async function settings(page, tab) {
  await page.getByRole("button", { name: "Settings", exact: true }).click();
  await page.getByRole("tab", { name: tab }).click();
}

const statusOf = async (command, params, token) => (await t.call(server.url, command, params, token)).status;

test("a token is made with its scopes, shown once, and revoked", async () => {
  const ann = await t.register(server, "ann", "Ann Lindqvist");
  const page = await t.open(chromium, server, ann);
  await settings(page, "Tokens");
  await page.getByLabel("What it is for").fill("Nightly build");
  assert.ok(await page.getByRole("button", { name: "Create token" }).isDisabled(), "it needs a scope");
  await page.getByLabel("Send, edit and delete messages").check();
  await page.getByLabel("See people and who is there").check();
  await t.assertAccessible(page, "a new token");
  await page.getByRole("button", { name: "Create token" }).click();
  const secret = await page.getByLabel("New token").inputValue();
  await page.locator(".pick-list li", { hasText: "Nightly build" }).getByText("messages:write, users:read").waitFor();
  await page.locator(".pick-list li", { hasText: "never used" }).waitFor();
  assert.ok(await page.getByRole("button", { name: "Copy", exact: true }).isVisible());
  await t.assertAccessible(page, "a token that is shown");
  await t.screenshot(page, "tokens");
  assert.equal(await statusOf("user.list", {}, secret), 200);
  assert.equal(await statusOf("channel.list", {}, secret), 403);

  await page.keyboard.press("Escape");
  await settings(page, "Tokens");
  await page.locator(".pick-list li", { hasText: "Nightly build" }).waitFor();
  assert.equal(await page.getByLabel("New token").count(), 0, "it is not shown again");
  assert.ok(!(await page.content()).includes(secret));
  await page.getByRole("button", { name: "Revoke Nightly build" }).click();
  await page.locator(".pick-list li", { hasText: "Nightly build" }).waitFor({ state: "detached" });
  assert.equal(await statusOf("user.list", {}, secret), 401);
  await t.close(page);
});

test("a token can be limited to channels", async () => {
  const cleo = await t.register(server, "cleo");
  await t.ok(server, cleo, "channel.create", { name: "builds" });
  const page = await t.open(chromium, server, cleo);
  await settings(page, "Tokens");
  await page.getByLabel("What it is for").fill("Builds only");
  await page.getByLabel("Find channels and their members").check();
  await page.getByText("In all channels").click();
  await page.locator(".limit label", { hasText: "builds" }).locator("input").check();
  await page.getByText("Only in one channel").waitFor();
  await t.assertAccessible(page, "a limited token");
  await t.screenshot(page, "token-limited");
  await page.getByRole("button", { name: "Create token" }).click();
  const secret = await page.getByLabel("New token").inputValue();
  await page.locator(".pick-list li", { hasText: "one channel" }).waitFor();
  const { body } = await t.call(server.url, "channel.list", {}, secret);
  assert.deepEqual(body.channels.map((c) => c.name), ["builds"]);
  await t.close(page);
});

test("a bot is made, gets a token, and is disabled", async () => {
  const ben = await t.register(server, "ben", "Ben Okafor");
  const page = await t.open(chromium, server, ben);
  await settings(page, "Bots");
  await page.getByLabel("Name", { exact: true }).fill("ben");
  await page.getByRole("button", { name: "Create bot" }).click();
  await page.getByRole("alert").waitFor();
  await page.getByLabel("Name", { exact: true }).fill("builder");
  await page.getByRole("button", { name: "Create bot" }).click();
  await page.locator(".pick-list li", { hasText: "@builder" }).waitFor();
  await t.assertAccessible(page, "bots");
  await t.screenshot(page, "bots");

  await page.getByRole("tab", { name: "Tokens" }).click();
  await page.getByLabel("Tokens of").selectOption({ label: "builder" });
  await page.getByLabel("What it is for").fill("CI");
  await page.getByLabel("See people and who is there").check();
  await page.getByRole("button", { name: "Create token" }).click();
  const secret = await page.getByLabel("New token").inputValue();
  assert.equal(await statusOf("user.list", {}, secret), 200);

  await page.getByRole("tab", { name: "Bots" }).click();
  await page.getByRole("button", { name: "Disable builder" }).click();
  await page.getByText("Disabled").waitFor();
  assert.equal(await statusOf("user.list", {}, secret), 401);
  await page.getByRole("button", { name: "Enable builder" }).click();
  await page.getByRole("button", { name: "Disable builder" }).waitFor();
  assert.equal(await statusOf("user.list", {}, secret), 200);
  await t.close(page);
});
