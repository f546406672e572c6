// examples/react in Chromium, served by Parley in place of its web client.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { assertAccessible, assertFits, close, eventually, newPage, screenshot, useBrowser } from "../browser/helpers.mjs";
import { start } from "../lib/parleyd.mjs";
import { must, people } from "../lib/people.mjs";

const ROOT = fileURLToPath(new URL("../../examples/react/dist", import.meta.url));
const PASSWORD = "correct horse battery"; // of tests/lib/people.mjs
const args = ["--rate-limits", "off", "--web-root", ROOT];

const state = useBrowser();
let server, ann, bob;
before(async () => {
  server = await start({ args });
  ({ ann, bob } = await people(server.url, "ann", "bob"));
});
after(() => server.stop());

const say = (channel, text) => must(server.url, "message.send", { channel: channel.id, text }, ann.token);
const texts = (page) => page.locator(".messages li:not(.pending) p").allInnerTexts();
const shows = (page, ...wanted) =>
  eventually(() => texts(page), (seen) => JSON.stringify(seen) === JSON.stringify(wanted), `the page shows ${wanted.join(", ")}`);

async function channelWith(name, text) {
  const { channel } = await must(server.url, "channel.create", { name }, ann.token);
  await say(channel, text);
  return channel;
}

async function signIn(page, name, password = PASSWORD) {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** A page on which a person has signed in. */
async function open(name, options) {
  const page = await newPage(state, options);
  await page.goto(server.url);
  await signIn(page, name);
  await page.getByText("Online").waitFor();
  return page;
}

const openChannel = async (page, name) => {
  await page.getByRole("button", { name: `#${name}`, exact: true }).click();
  await page.getByRole("heading", { level: 1, name: `#${name}` }).waitFor();
};

test("a wrong password is told, a right one signs in, and the session lasts over a reload and ends when one signs out", async () => {
  const channel = await channelWith("welcome", "Before anyone looked");
  const page = await newPage(state);
  await page.goto(server.url);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await assertAccessible(page, "the sign-in page");
  await signIn(page, "ann", "wrong wrong wrong");
  await page.getByRole("alert").waitFor();
  await signIn(page, "ann");
  await openChannel(page, channel.name);
  await shows(page, "Before anyone looked");
  await page.reload();
  await openChannel(page, channel.name);
  await shows(page, "Before anyone looked");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await close(page);
});

test("one joins a channel, people see each other type and write, and what is edited and deleted", async () => {
  const channel = await channelWith("plans", "Where?");
  const [annPage, bobPage] = [await open("ann"), await open("bob")];
  await openChannel(annPage, "plans");
  await shows(annPage, "Where?");
  await bobPage.getByRole("button", { name: "Other channels…" }).click();
  await bobPage.getByRole("button", { name: "Join #plans" }).click();
  await bobPage.getByRole("heading", { level: 1, name: "#plans" }).waitFor();
  await shows(bobPage, "Where?");

  await bobPage.getByLabel("Message #plans").fill("Lunch?");
  await annPage.getByText("bob typing…").waitFor();
  await bobPage.getByRole("button", { name: "Send" }).click();
  await shows(annPage, "Where?", "Lunch?");
  await shows(bobPage, "Where?", "Lunch?");
  await eventually(() => annPage.locator(".typing").innerText(), (text) => text === "", "nobody types any more");
  assert.equal(await annPage.locator(".messages li", { hasText: "Lunch?" }).locator("strong").innerText(), "bob");

  const { messages } = await must(server.url, "message.history", { channel: channel.id }, ann.token);
  const [first, second] = messages;
  await must(server.url, "message.edit", { message: first.id, text: "Where <b>€</b>?" }, ann.token);
  await must(server.url, "message.delete", { message: second.id }, bob.token);
  await shows(annPage, "Where <b>€</b>?", "(deleted)");
  await shows(bobPage, "Where <b>€</b>?", "(deleted)");
  await close(annPage, bobPage);
});

test("what is written while the server is away is sent once, and nothing that others wrote is missed", async () => {
  const channel = await channelWith("away", "Before");
  await must(server.url, "channel.join", { channel: channel.id }, bob.token);
  const [annPage, bobPage] = [await open("ann"), await open("bob")];
  await openChannel(annPage, "away");
  await openChannel(bobPage, "away");
  await shows(annPage, "Before");
  await shows(bobPage, "Before");

  const { dataDir, url } = server;
  await server.kill();
  await bobPage.getByText("Connection lost, trying again…").waitFor();
  await bobPage.getByLabel("Message #away").fill("Written while away");
  await bobPage.getByRole("button", { name: "Send" }).click();
  await bobPage.getByText("sending…").waitFor();
  server = await start({ args, dataDir, listen: new URL(url).host });
  await say(channel, "Said while they were away");
  await annPage.getByText("Online").waitFor();
  await bobPage.getByText("Online").waitFor();
  await eventually(() => texts(annPage), (seen) => seen.length === 3, "both messages");
  const all = await texts(annPage);
  assert.deepEqual([...all].sort(), ["Before", "Said while they were away", "Written while away"]);
  await shows(bobPage, ...all);
  await say(channel, "Welcome back");
  await shows(annPage, ...all, "Welcome back");
  await shows(bobPage, ...all, "Welcome back");
  assert.equal(await bobPage.locator(".pending").count(), 0);
  const { messages } = await must(url, "message.history", { channel: channel.id }, ann.token);
  assert.deepEqual(messages.map((m) => m.text), [...all, "Welcome back"]);
  await close(annPage, bobPage);
});

test("a session that is ended elsewhere brings the sign-in page, and nothing reconnects", async () => {
  await channelWith("sessions", "Hello");
  const page = await open("ann");
  const { sessions } = await must(server.url, "auth.sessions", {}, ann.token);
  const [last] = sessions.filter((s) => s.agent.includes("Chrom")).sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
  await must(server.url, "auth.revoke", { session: last.id }, ann.token);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await signIn(page, "ann");
  await page.getByText("Online").waitFor();
  await close(page);
});

for (const [name, options] of [
  ["light", {}],
  ["dark", { colorScheme: "dark" }],
  ["narrow", { viewport: { width: 390, height: 844 } }],
]) {
  test(`it looks well and can be read by everybody: ${name}`, async () => {
    const channel = await channelWith(`look-${name}`, "The first of a few messages");
    await say(channel, "A longer one, which says so much that it does not fit into one line of a window, however wide that may be, and goes on");
    await say(channel, "x".repeat(200));
    const page = await open("ann", options);
    await openChannel(page, channel.name);
    await eventually(() => texts(page), (seen) => seen.length === 3, "the messages");
    await assertAccessible(page, `the chat, ${name}`);
    await assertFits(page, `the chat, ${name}`);
    await screenshot(page, `example-react-${name}`);
    await close(page);
  });
}
