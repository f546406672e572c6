// Webhooks and slash commands: their page, made, shown once, used, changed, ended; and how what programs write is shown.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as t from "./helpers.mjs";

const chromium = t.useBrowser();
let server, ann;
before(async () => {
  server = await t.startServer();
  ann = await t.register(server, "ann", "Ann Lindqvist");
});
after(() => server.stop());

let rooms = 0;
/** A channel of ann's, and her page in it. */
async function room(options) {
  const { channel } = await t.ok(server, ann, "channel.create", { name: `plans-${++rooms}` });
  const page = await t.open(chromium, server, ann, options);
  await page.goto(`${server.url}/#/c/${channel.id}`);
  await page.getByRole("heading", { level: 1, name: channel.name, exact: true }).waitFor();
  return { channel, page };
}

async function openHooks(page, channel) {
  await page.getByRole("button", { name: /details/i }).first().click();
  await page.getByRole("button", { name: "Integrations" }).click();
  await page.getByRole("heading", { name: `Integrations of #${channel.name}` }).waitFor();
}

const row = (page, name) => page.locator(".hook", { hasText: name });
const post = async (address, payload) => {
  const answer = await fetch(address, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(payload) });
  return answer.status;
};

test("an incoming webhook is made, its address shown once, used, replaced, disabled and deleted", async () => {
  const { channel, page } = await room();
  await openHooks(page, channel);
  await page.getByText("There are none yet.").waitFor();
  await page.getByLabel("Name to show").fill("Deploys");
  await page.getByLabel("Icon").fill(":rocket:");
  await t.assertAccessible(page, "the page of hooks");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  const first = await page.getByLabel("Address", { exact: true }).inputValue();
  assert.ok(first.startsWith(`${server.url}/hooks/`), first);
  assert.ok(await page.getByRole("button", { name: "Copy", exact: true }).isVisible());
  await row(page, "Deploys").getByText("Never used").waitFor();
  await t.assertAccessible(page, "a hook that is shown");
  await t.screenshot(page, "hooks-created");
  assert.equal(await post(first, { text: "Version 7 is *live*" }), 200);

  await page.keyboard.press("Escape");
  await t.hasTexts(page, ["Version 7 is live"]);
  await page.getByRole("button", { name: "Integrations" }).click();
  await row(page, "Deploys").getByText("Last used").waitFor();
  assert.equal(await page.getByLabel("Address", { exact: true }).count(), 0, "it is not shown again");
  assert.ok(!(await page.content()).includes(first.split("/").at(-1)));

  await page.getByRole("button", { name: "Replace secret of Deploys" }).click();
  await page.getByText("The present one is good no more, at once.").waitFor();
  await t.assertAccessible(page, "a question");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Replace secret of Deploys" }).click();
  await page.getByRole("button", { name: "Replace secret of Deploys" }).click();
  const second = await page.getByLabel("Address", { exact: true }).inputValue();
  assert.notEqual(second, first);
  assert.equal(await post(first, { text: "old" }), 404);
  assert.equal(await post(second, { text: "Again" }), 200);

  await page.getByRole("button", { name: "Disable Deploys" }).click();
  await row(page, "Deploys").getByText("Disabled", { exact: true }).waitFor();
  assert.notEqual(await post(second, { text: "while disabled" }), 200);
  await page.getByRole("button", { name: "Enable Deploys" }).click();
  await page.getByRole("button", { name: "Disable Deploys" }).waitFor();
  assert.equal(await post(second, { text: "Enabled" }), 200);

  await page.getByRole("button", { name: "Delete Deploys" }).click();
  await page.getByRole("button", { name: "Delete Deploys" }).click();
  await page.getByText("There are none yet.").waitFor();
  assert.equal(await post(second, { text: "gone" }), 404);
  await page.keyboard.press("Escape");
  await t.hasTexts(page, ["Version 7 is live", "Again", "Enabled"]);
  await t.close(page);
});

test("an outgoing webhook and a slash command are made with what they need, and what is wrong is said", async () => {
  const { channel, page } = await room();
  await openHooks(page, channel);
  await page.getByLabel("Kind").selectOption({ label: "Outgoing: a program is told of events" });
  await page.getByLabel("Name to show").fill("Watcher");
  await page.getByLabel("Address that is called").fill("ftp://example.org/");
  await page.getByLabel("Messages", { exact: true }).uncheck();
  assert.ok(await page.getByRole("button", { name: "Create", exact: true }).isDisabled(), "it needs an event");
  await page.getByLabel("Messages", { exact: true }).check();
  await page.getByLabel("People who join").check();
  await page.getByLabel("Only messages that begin with").fill("deploy");
  await t.assertAccessible(page, "a new outgoing webhook");
  await t.screenshot(page, "hooks-outgoing");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByRole("alert").waitFor();

  await page.getByLabel("Name to show").fill("Watcher");
  await page.getByLabel("Address that is called").fill("https://example.org/hook");
  await page.getByLabel("Only messages that begin with").fill("deploy");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  assert.match(await page.getByLabel("Signing secret").inputValue(), /^[\w-]{43}$/);
  await row(page, "Watcher").getByText("message.created, member.joined, messages that begin with “deploy” to https://example.org/hook").waitFor();
  await page.getByRole("button", { name: "Failures of Watcher" }).click();
  await page.getByText("Everything was delivered.").waitFor();
  await t.assertAccessible(page, "an outgoing webhook without failures");

  await page.getByLabel("Kind").selectOption({ label: "Slash command: a program answers" });
  await page.getByLabel("Name to show").fill("Weather");
  await page.getByLabel("Command", { exact: true }).fill("/Weather");
  await page.getByLabel("Address that is called").fill("https://example.org/weather");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await row(page, "Weather").getByText("/weather to https://example.org/weather").waitFor();
  await page.waitForFunction(() => {
    const box = document.querySelector(".hook-secret").getBoundingClientRect();
    const around = document.querySelector(".dialog-box").getBoundingClientRect();
    return box.top >= around.top && box.bottom <= around.bottom;
  });
  await t.screenshot(page, "hooks-list");
  const { hooks } = await t.ok(server, ann, "hook.list", { channel: channel.id });
  assert.deepEqual(hooks.map((h) => [h.kind, h.name]).sort(), [["outgoing", "Watcher"], ["slash", "Weather"]]);
  assert.deepEqual(hooks.find((h) => h.kind === "outgoing").events.sort(), ["member.joined", "message.created"]);
  await t.close(page);
});

test("only who moderates the channel finds the page", async () => {
  const { channel, page } = await room();
  const bob = await t.register(server, "bob", "Bob Okafor");
  await t.ok(server, bob, "channel.join", { channel: channel.id });
  const other = await t.open(chromium, server, bob);
  await t.openChannel(other, channel.name);
  await other.getByRole("button", { name: /details/i }).first().click();
  await other.getByRole("button", { name: "Leave channel" }).waitFor();
  assert.equal(await other.getByRole("button", { name: "Integrations" }).count(), 0);
  await t.close(page, other);
});

test("what programs write is marked, under the name and icon they ask for, and their own beside it", async () => {
  const { channel, page } = await room();
  const { path, hook } = await t.ok(server, ann, "hook.create", { kind: "incoming", channel: channel.id, name: "Deploys", icon: "🚀" });
  const address = `${server.url}${path}`;
  await t.ok(server, ann, "message.send", { channel: channel.id, text: "What is new?" });
  assert.equal(await post(address, { text: "One" }), 200);
  assert.equal(await post(address, { text: "Two" }), 200);
  assert.equal(await post(address, { text: "Three", username: "Ann Lindqvist", icon_emoji: ":ghost:" }), 200);
  await t.hasTexts(page, ["What is new?", "One", "Two", "Three"]);
  const message = (text) => page.locator(".message", { has: page.locator(".text", { hasText: new RegExp(`^${text}$`) }) });

  assert.equal(await message("What is new\\?").getByText("App", { exact: true }).count(), 0);
  assert.equal(await message("One").locator(".author").innerText(), "Deploys");
  assert.equal(await message("One").getByText("App", { exact: true }).count(), 1);
  assert.equal(await message("One").locator(".avatar").getAttribute("data-initials"), "🚀");
  assert.equal(await message("One").locator(".via").count(), 0);
  assert.ok(await message("Two").evaluate((e) => e.classList.contains("grouped")));
  assert.equal(await message("Three").locator(".author").innerText(), "Ann Lindqvist");
  assert.equal(await message("Three").getByText("App", { exact: true }).count(), 1);
  assert.equal(await message("Three").locator(".via").innerText(), "Deploys");
  assert.equal(await message("Three").locator(".avatar").getAttribute("data-initials"), "👻");
  await page.getByRole("article", { name: /Ann Lindqvist App Deploys .* Three/ }).waitFor();

  const { token } = { token: await t.ok(server, ann, "token.create", { name: "x", scopes: ["messages:write"], user: (await t.ok(server, ann, "bot.create", { name: "helper", display_name: "Helper" })).user.id }) };
  const bot = { token: token.secret };
  await t.ok(server, ann, "channel.invite", { channel: channel.id, user: token.token.user });
  await t.ok(server, bot, "message.send", { channel: channel.id, text: "I am a bot" });
  await message("I am a bot").getByText("App", { exact: true }).waitFor();
  assert.equal(await message("I am a bot").locator(".author").innerText(), "Helper");
  assert.equal(typeof hook.bot, "string");
  await t.assertAccessible(page, "what programs write");
  await t.screenshot(page, "apps");
  await t.close(page);
});

for (const [name, options] of [
  ["dark", { colorScheme: "dark" }],
  ["narrow", { viewport: { width: 390, height: 844 } }],
]) {
  test(`it looks well and can be used by everybody: ${name}`, async () => {
    const { channel, page } = await room(options);
    const { path } = await t.ok(server, ann, "hook.create", { kind: "incoming", channel: channel.id, name: "Alerts of the payment service", icon: "🔥" });
    await t.ok(server, ann, "hook.create", { kind: "outgoing", channel: channel.id, name: "Watcher", url: `https://example.org/${"long/".repeat(30)}` });
    assert.equal(await post(`${server.url}${path}`, { text: "Disk is full", username: "Monitoring of everything that there is to monitor" }), 200);
    await t.hasTexts(page, ["Disk is full"]);
    await t.assertAccessible(page, `what programs write, ${name}`);
    await t.assertFits(page, `what programs write, ${name}`);
    await t.screenshot(page, `apps-${name}`);
    await openHooks(page, channel);
    await row(page, "Watcher").waitFor();
    await page.getByRole("button", { name: "Delete Watcher" }).click();
    await t.assertAccessible(page, `the page of hooks, ${name}`);
    await t.assertFits(page, `the page of hooks, ${name}`);
    await t.screenshot(page, `hooks-${name}`);
    await t.close(page);
  });
}
