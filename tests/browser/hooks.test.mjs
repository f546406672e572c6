// Webhooks and slash commands: their page, made, shown once, used, changed, ended; and how what programs write is shown.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import * as t from "./helpers.mjs";

const chromium = t.useBrowser();
let server, ann;
before(async () => {
  // Programs that are called run on this machine, and are not waited for long.
  server = await t.startServer({ args: ["--outbound-allow", "127.0.0.1/32", "--hook-attempts", "2", "--hook-retry-ms", "10"] });
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

test("an incoming webhook is given another name and icon, with the keyboard alone", async () => {
  const { channel, page } = await room();
  const { path } = await t.ok(server, ann, "hook.create", { kind: "incoming", channel: channel.id, name: "Deploys", icon: "🚀" });
  await openHooks(page, channel);
  const edit = (name) => page.getByRole("button", { name: `Edit ${name}`, exact: true });
  await edit("Deploys").focus();
  await page.keyboard.press("Enter");
  const form = page.getByRole("form", { name: "Edit Deploys" });
  await t.focusIsIn(page, "form.hook-edit input");
  assert.equal(await form.getByLabel("Name to show").inputValue(), "Deploys");
  assert.equal(await form.getByLabel("Icon").inputValue(), "🚀");
  await page.keyboard.press("Escape");
  await form.waitFor({ state: "detached" });
  assert.ok(await page.getByRole("heading", { name: `Integrations of #${channel.name}` }).isVisible(), "Escape ends the editing, not the page");
  await page.waitForFunction(() => document.activeElement?.getAttribute("aria-label") === "Edit Deploys");

  await page.keyboard.press("Enter");
  await t.focusIsIn(page, "form.hook-edit input");
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("Releases");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Delete");
  await page.keyboard.press("Enter");
  await row(page, "Releases").waitFor();
  await page.waitForFunction(() => document.activeElement?.getAttribute("aria-label") === "Edit Releases");
  const [hook] = (await t.ok(server, ann, "hook.list", { channel: channel.id })).hooks;
  assert.deepEqual([hook.name, hook.icon], ["Releases", undefined]);
  assert.equal(await post(`${server.url}${path}`, { text: "Out now" }), 200);
  await page.keyboard.press("Escape");
  await t.hasTexts(page, ["Out now"]);
  assert.equal(await page.locator(".message .author").last().innerText(), "Releases");
  await t.close(page);
});

test("an outgoing webhook is told of something else at another address; what is wrong is said where it is", async () => {
  const { channel, page } = await room();
  const before = await program(() => [200, ""]);
  const now = await program(() => [200, ""]);
  await t.ok(server, ann, "hook.create", { kind: "outgoing", channel: channel.id, name: "Watcher", url: before.url, trigger: "deploy" });
  await openHooks(page, channel);
  await page.getByRole("button", { name: "Edit Watcher" }).click();
  const form = page.getByRole("form", { name: "Edit Watcher" });
  assert.equal(await form.getByLabel("Address that is called").inputValue(), before.url);
  assert.equal(await form.getByLabel("Only messages that begin with").inputValue(), "deploy");
  await form.getByLabel("Messages", { exact: true }).uncheck();
  assert.ok(await form.getByRole("button", { name: "Save" }).isDisabled(), "it needs an event");
  await form.getByLabel("Messages", { exact: true }).check();
  await form.getByLabel("A new name or topic").check();
  await form.getByLabel("Only messages that begin with").fill("");
  await form.getByLabel("Address that is called").fill("ftp://example.org/");
  await form.getByRole("button", { name: "Save" }).click();
  await form.getByText("Must begin with https:// or http://.").waitFor();
  await t.focusIsIn(page, "form.hook-edit [aria-invalid=true]");
  assert.equal(await form.getByLabel("Address that is called").inputValue(), "ftp://example.org/", "what was typed stays");
  await t.assertAccessible(page, "an outgoing webhook that is edited");
  await t.screenshot(page, "hooks-edit");
  await form.getByLabel("Address that is called").fill(now.url);
  await form.getByRole("button", { name: "Save" }).click();
  await row(page, "Watcher").getByText(`message.created, channel.updated to ${now.url}`).waitFor();
  await t.ok(server, ann, "message.send", { channel: channel.id, text: "anything" });
  await t.ok(server, ann, "channel.update", { channel: channel.id, topic: "new" });
  await t.eventually(() => now.requests.map((body) => JSON.parse(body).event.method), (seen) => seen.length === 2, "both events");
  assert.deepEqual(now.requests.map((body) => JSON.parse(body).event.method), ["message.created", "channel.updated"]);
  assert.deepEqual(before.requests, []);

  await page.getByRole("button", { name: "Edit Watcher" }).click();
  await form.getByRole("button", { name: "Save" }).click(); // nothing is different
  await form.waitFor({ state: "detached" });
  before.stop();
  now.stop();
  await t.close(page);
});

test("a slash command is given another word", async () => {
  const { channel, page } = await room();
  const target = await program((body) => [200, `I am ${new URLSearchParams(body).get("command")}`]);
  const { hook } = await t.ok(server, ann, "hook.create", { kind: "slash", channel: channel.id, name: "Weather", command: "weather", url: target.url });
  await t.ok(server, ann, "hook.create", { kind: "slash", channel: channel.id, name: "Other", command: "other", url: target.url });
  await openHooks(page, channel);
  await page.getByRole("button", { name: "Edit Weather" }).click();
  const form = page.getByRole("form", { name: "Edit Weather" });
  await form.getByLabel("Command", { exact: true }).fill("/other");
  await form.getByRole("button", { name: "Save" }).click();
  await t.focusIsIn(page, "form.hook-edit [aria-invalid=true]");
  assert.equal(await form.getByLabel("Command", { exact: true }).getAttribute("aria-invalid"), "true");
  await form.getByLabel("Command", { exact: true }).fill("/Sky");
  await form.getByRole("button", { name: "Save" }).click();
  await row(page, "Weather").getByText(`/sky to ${target.url}`).waitFor();
  assert.equal((await t.ok(server, ann, "slash.run", { channel: channel.id, command: "sky" })).text, "I am /sky");
  assert.equal((await t.ok(server, ann, "hook.list", { channel: channel.id })).hooks.find((h) => h.id === hook.id).command, "sky");
  target.stop();
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
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.waitForFunction(() => document.activeElement?.getAttribute("aria-label") === "Delete Watcher");
    await page.getByRole("button", { name: "Edit Watcher" }).click();
    await t.assertAccessible(page, `a webhook that is edited, ${name}`);
    await t.assertFits(page, `a webhook that is edited, ${name}`);
    await t.screenshot(page, `hooks-edit-${name}`);
    await t.close(page);
  });
}

// --- Programs that are called ---------------------------------------------------------------------------------------

/** A program on a port of its own: `answer(request)` gives [status, body]; what it was sent is kept. */
async function program(answer) {
  const requests = [];
  const http = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    requests.push(body);
    const [status, text] = await answer(body);
    response.writeHead(status, { "Content-Type": typeof text === "string" ? "text/plain" : "application/json" });
    response.end(typeof text === "string" ? text : JSON.stringify(text));
  });
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${http.address().port}/`,
    requests,
    stop: () => {
      http.closeAllConnections();
      http.close();
    },
  };
}

test("a command is completed, its answer shown to who gave it alone, or in the channel; a later one comes too", async () => {
  const { channel, page } = await room();
  const weather = await program((body) => {
    const text = new URLSearchParams(body).get("text");
    if (text === "everybody") return [200, { response_type: "in_channel", text: "It rains on all" }];
    if (text === "broken") return [500, "no"];
    return [200, `Sunny in *${text}*`];
  });
  await t.ok(server, ann, "hook.create", { kind: "slash", channel: channel.id, name: "Weather", icon: ":sunny:", command: "weather", url: weather.url });
  await t.ok(server, ann, "hook.create", { kind: "slash", channel: channel.id, name: "Webcam", command: "webcam", url: weather.url });

  await t.composer(page).pressSequentially("/w");
  await page.getByRole("option", { name: /\/weather/ }).waitFor();
  assert.equal(await page.getByRole("listbox", { name: "Commands" }).getByRole("option").count(), 2);
  await t.assertAccessible(page, "the menu of commands");
  await t.screenshot(page, "slash-menu");
  await t.composer(page).press("ArrowDown");
  assert.equal(await page.getByRole("option", { selected: true }).innerText().then((text) => text.split("\n")[0]), "/webcam");
  await t.composer(page).press("ArrowUp");
  await t.composer(page).press("Enter");
  assert.equal(await t.composer(page).inputValue(), "/weather ");
  assert.equal(await page.getByRole("listbox").count(), 0);
  await t.composer(page).pressSequentially("Turku");
  await t.composer(page).press("Enter");
  const note = page.getByRole("region", { name: "Answers to your commands" });
  await note.getByText("Sunny in Turku").waitFor();
  await note.getByText("only you can see this").waitFor();
  await t.assertAccessible(page, "an answer to a command");
  await t.screenshot(page, "slash-answer");

  await t.write(page, "/weather everybody");
  await t.hasTexts(page, ["It rains on all"]);
  assert.deepEqual(await t.texts(page), ["It rains on all"], "neither commands nor answers to one alone are in the log");

  await t.write(page, "/weather broken");
  await note.getByText("not done").waitFor();
  assert.equal(await t.composer(page).inputValue(), "/weather broken", "to be tried again");
  await t.composer(page).fill("");

  const later = new URLSearchParams(weather.requests[0]).get("response_url");
  assert.equal(await post(new URL(new URL(later).pathname, server.url), { text: "Still sunny" }), 200);
  await note.getByText("Still sunny").waitFor();
  await page.getByRole("button", { name: "Put away what Weather said" }).first().click();

  await t.write(page, "/nothing of the kind");
  await t.hasTexts(page, ["It rains on all", "/nothing of the kind"]);
  weather.stop();
  await t.close(page);
});

test("what could not be delivered is listed, and delivered again when asked", async () => {
  const { channel, page } = await room();
  let works = false;
  const target = await program(() => (works ? [200, ""] : [500, "out of order"]));
  await t.ok(server, ann, "hook.create", { kind: "outgoing", channel: channel.id, name: "Watcher", url: target.url });
  await t.ok(server, ann, "message.send", { channel: channel.id, text: "Hello" });
  await t.eventually(() => target.requests.length, (n) => n === 2, "both attempts");
  await openHooks(page, channel);
  await page.getByRole("button", { name: "Failures of Watcher" }).click();
  const failure = page.locator(".hook-failures li", { hasText: "message.created" });
  await t.eventually(async () => {
    await page.getByRole("button", { name: "Look again" }).click();
    return failure.count();
  }, (n) => n === 1, "the failure");
  await failure.getByText("500").waitFor();
  await failure.getByText("2 attempts").waitFor();
  await t.assertAccessible(page, "failures");
  await t.screenshot(page, "hook-failures");
  works = true;
  await failure.getByRole("button", { name: /Deliver again: message.created/ }).click();
  await failure.getByText("Being delivered").waitFor();
  await t.eventually(async () => {
    await page.getByRole("button", { name: "Look again" }).click();
    return failure.count();
  }, (n) => n === 0, "it is delivered");
  assert.equal(target.requests.length, 3);
  assert.equal(JSON.parse(target.requests[2]).event.message?.text ?? JSON.parse(target.requests[2]).event.params?.message?.text, "Hello");
  target.stop();
  await t.close(page);
});
