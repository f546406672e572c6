// examples/react in Chromium, served by Parley as its web client.

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
let server, ann, channel;
before(async () => {
  server = await start({ args });
  ({ ann } = await people(server.url, "ann", "bob"));
  ({ channel } = await must(server.url, "channel.create", { name: "plans" }, ann.token));
  await say(ann, "Before anyone looked");
});
after(() => server.stop());

const say = (who, text) => must(server.url, "message.send", { channel: channel.id, text }, who.token);
const texts = (page) => page.locator(".messages p").allInnerTexts();
const shows = (page, ...wanted) =>
  eventually(() => texts(page), (seen) => JSON.stringify(seen) === JSON.stringify(wanted), `the page shows ${wanted.join(", ")}`);

async function signIn(page, name, password = PASSWORD) {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("two people sign in, see each other type, write, and lose nothing while the server is away", async () => {
  const [annPage, bobPage] = [await newPage(state), await newPage(state)];
  await annPage.goto(server.url);
  await annPage.getByRole("heading", { name: "Sign in" }).waitFor();
  await assertAccessible(annPage, "the sign-in page");
  await signIn(annPage, "ann", "wrong wrong wrong");
  await annPage.getByRole("alert").waitFor();
  await signIn(annPage, "ann");
  await annPage.getByText("Online").waitFor();
  await annPage.getByRole("button", { name: "#plans" }).click();
  await shows(annPage, "Before anyone looked");

  await bobPage.goto(server.url);
  await signIn(bobPage, "bob");
  await bobPage.getByText("Online").waitFor();
  const { token } = (await (await fetch(`${server.url}/api/v1/auth.login`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: "bob", password: PASSWORD }),
  })).json());
  await must(server.url, "channel.join", { channel: channel.id }, token);
  await bobPage.getByRole("button", { name: "#plans" }).click(); // it appeared by itself
  await shows(bobPage, "Before anyone looked");

  await bobPage.getByLabel("Message #plans").fill("Lunch?");
  await annPage.getByText("bob typing…").waitFor();
  await bobPage.getByRole("button", { name: "Send" }).click();
  await shows(annPage, "Before anyone looked", "Lunch?");
  await shows(bobPage, "Before anyone looked", "Lunch?");
  await annPage.locator(".typing", { hasText: /^$/ }).waitFor({ state: "attached" });

  // The server goes; what is written meanwhile is sent once it is back, and what others write by then arrives.
  const { dataDir, url } = server;
  await server.kill();
  await bobPage.getByText("Connection lost, trying again…").waitFor();
  await bobPage.getByLabel("Message #plans").fill("Written while away");
  await bobPage.getByRole("button", { name: "Send" }).click();
  server = await start({ args, dataDir, listen: new URL(url).host });
  await annPage.getByText("Online").waitFor();
  await bobPage.getByText("Online").waitFor();
  await shows(annPage, "Before anyone looked", "Lunch?", "Written while away");
  await say(ann, "Welcome back <b>€</b>");
  const all = ["Before anyone looked", "Lunch?", "Written while away", "Welcome back <b>€</b>"];
  await shows(annPage, ...all);
  await shows(bobPage, ...all);

  await assertAccessible(annPage, "the chat");
  await assertFits(annPage, "the chat");
  await screenshot(annPage, "example-react");
  await annPage.reload(); // the cookie signs in
  await annPage.getByRole("button", { name: "#plans" }).click();
  await shows(annPage, ...all);
  assert.equal(await annPage.getByRole("heading", { level: 1 }).innerText(), "#plans");

  // A session that has ended brings the sign-in page, and nothing reconnects.
  const { sessions } = await must(server.url, "auth.sessions", {}, token);
  const other = sessions.find((s) => !s.current && s.agent.includes("Chrom"));
  await must(server.url, "auth.revoke", { session: other.id }, token);
  await bobPage.getByRole("heading", { name: "Sign in" }).waitFor();
  await close(annPage, bobPage);
});
