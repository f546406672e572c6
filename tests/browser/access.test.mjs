import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as t from "./helpers.mjs";

const chromium = t.useBrowser();
const field = (page, name) => page.getByLabel(name, { exact: true });
let server;

before(async () => {
  server = await t.startServer();
});
after(() => server.stop());

async function signIn(page, name, password = t.PASSWORD) {
  await field(page, "Name").fill(name);
  await field(page, "Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("the first visitor makes the owner's account and lands in #general", async () => {
  const page = await t.newPage(chromium);
  await page.goto(server.url);
  await page.getByRole("heading", { level: 1, name: "Welcome to Parley" }).waitFor();
  await t.assertAccessible(page, "the first run");
  await t.screenshot(page, "first-run");
  await field(page, "Name").fill("olivia");
  await field(page, "Display name").fill("Olivia Owner");
  await field(page, "Password").fill("short");
  await page.getByRole("button", { name: "Create owner account" }).click();
  assert.equal(await page.locator("input:invalid").count(), 1, "a short password is not sent");
  await field(page, "Password").fill(t.PASSWORD);
  await page.getByRole("button", { name: "Create owner account" }).click();
  await page.getByRole("heading", { level: 1, name: "general" }).waitFor();
  await page.getByText("This is the start of #general").waitFor();
  await t.focusIsIn(page, ".composer textarea");
  await t.close(page);
});

test("a name that is taken and a wrong password are said so in place", async () => {
  const page = await t.newPage(chromium);
  await page.goto(server.url);
  await page.getByRole("heading", { level: 1, name: "Sign in to Parley" }).waitFor();
  await t.assertAccessible(page, "signing in");
  await signIn(page, "olivia", "not the password");
  const alert = page.getByText("The name or the password is not right.");
  await alert.waitFor();
  await t.assertAccessible(page, "a wrong password");
  await t.screenshot(page, "wrong-password");
  await page.getByRole("button", { name: "Create an account" }).click();
  await page.getByRole("heading", { level: 1, name: "Join Parley" }).waitFor();
  await t.assertAccessible(page, "registering");
  await field(page, "Name").fill("olivia");
  await field(page, "Password").fill(t.PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByText("That name is taken. Choose another.").waitFor();
  await page.getByRole("button", { name: "Sign in" }).click();
  await signIn(page, "olivia");
  await t.composer(page).waitFor();
  await t.close(page);
});

test("signing out goes back to signing in, also after a reload", async () => {
  const page = await t.open(chromium, server, await t.register(server, "sam"));
  await page.getByRole("button", { name: "Account of sam" }).click();
  await t.assertAccessible(page, "the account menu");
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("heading", { level: 1, name: "Sign in to Parley" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { level: 1, name: "Sign in to Parley" }).waitFor();
  assert.equal((await page.context().cookies()).length, 0);
  await t.close(page);
});

test("a session that is ended elsewhere is out at once and is told why", async () => {
  const rita = await t.register(server, "rita");
  const page = await t.open(chromium, server, rita);
  const login = await t.call(server.url, "auth.login", { name: "rita", password: t.PASSWORD });
  const other = await t.open(chromium, server, login.body);
  await other.getByRole("button", { name: "Settings" }).click();
  await other.getByRole("tab", { name: "Sessions" }).click();
  await other.getByRole("button", { name: "End the session on" }).first().waitFor();
  await t.assertAccessible(other, "the list of sessions");
  await t.screenshot(other, "sessions");
  await other.getByRole("button", { name: "End the session on" }).first().click();
  await page.getByText("this session was ended from elsewhere").waitFor();
  await t.assertAccessible(page, "a revoked session");
  await t.screenshot(page, "revoked");
  await t.eventually(
    () => other.getByRole("button", { name: "End the session on" }).count(),
    (n) => n === 0,
    "the ended session leaves the list",
  );
  await t.close(page, other);
});

test("changing the password keeps this session and ends the others", async () => {
  const paul = await t.register(server, "paul");
  const page = await t.open(chromium, server, paul);
  const login = await t.call(server.url, "auth.login", { name: "paul", password: t.PASSWORD });
  const other = await t.open(chromium, server, login.body);
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("tab", { name: "Password" }).click();
  await field(page, "Current password").fill("wrong password");
  await field(page, "New password").fill("another password");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("The current password is not right.").waitFor();
  await t.assertAccessible(page, "the password page");
  await field(page, "Current password").fill(t.PASSWORD);
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("Password changed.").waitFor();
  await other.getByText("this session was ended from elsewhere").waitFor();
  await page.keyboard.press("Escape");
  await t.write(page, "still here");
  await page.locator(".message:not(.sending)", { hasText: "still here" }).waitFor();
  await t.close(page, other);
});

test("an invitation opens a server that takes nobody else, and a closed one says so", async () => {
  const invited = await t.startServer({ args: ["--registration", "invite"] });
  const owner = await t.register(invited, "owner");
  const page = await t.open(chromium, invited, owner);
  await page.getByRole("button", { name: "Invite people" }).click();
  await page.getByRole("button", { name: "Create link" }).click();
  const link = await page.getByLabel("Invitation link").inputValue();
  await t.assertAccessible(page, "invitations");
  await t.screenshot(page, "invitations");

  const guest = await t.newPage(chromium);
  await guest.goto(link);
  await guest.getByRole("heading", { level: 1, name: "Join Parley" }).waitFor();
  await t.assertAccessible(guest, "an invitation");
  await field(guest, "Name").fill("guest");
  await field(guest, "Password").fill(t.PASSWORD);
  await guest.getByRole("button", { name: "Create account" }).click();
  await t.composer(guest).waitFor();

  const second = await t.newPage(chromium);
  await second.goto(link);
  await field(second, "Name").fill("second");
  await field(second, "Password").fill(t.PASSWORD);
  await second.getByRole("button", { name: "Create account" }).click();
  await second.locator(".note.error").waitFor();
  await t.close(page, guest, second);
  await invited.stop();

  const closed = await t.startServer({ args: ["--registration", "closed"], dataDir: invited.dataDir });
  const stranger = await t.newPage(chromium);
  await stranger.goto(closed.url);
  await stranger.getByText("New accounts are made by an administrator").waitFor();
  await t.assertAccessible(stranger, "closed registration");
  await t.close(stranger);
  await closed.stop();
});
