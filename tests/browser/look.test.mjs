import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as t from "./helpers.mjs";

const chromium = t.useBrowser();
let server;
let ann;

before(async () => {
  server = await t.startServer();
  ann = await t.register(server, "ann", "Ann Lindqvist");
  const ben = await t.register(server, "ben", "Ben Okafor");
  const general = await t.channelNamed(server, ann, "general");
  await t.ok(server, ann, "channel.update", { channel: general.id, topic: "A topic that is a good deal longer than a narrow screen is wide" });
  const say = (who, text) => t.ok(server, who, "message.send", { channel: general.id, text });
  await say(ann, "Good morning. The plan for today:\n1. **Freeze** at noon\n2. Tag the release\n3. _Relax_");
  await say(ben, "> Freeze at noon\nWorks for me, @ann. I ran `make test` twice:\n```\nok 214 tests\nnothing skipped, nothing flaky, and this line is wide enough to need a scroll bar of its own on a telephone\n```");
  await say(ben, "https://example.org/a/rather/long/address/that/has/no/spaces/in/it/and/must/not/push/anything/aside/" + "x".repeat(80));
  await say(ann, "averylongwordwithoutanyspaces".repeat(8));
  await t.ok(server, ann, "dm.open", { users: [ben.user.id] });
});
after(() => server.stop());

const DIALOGS = [
  { name: "browse", open: "Browse channels", ready: ".pick-list li" },
  { name: "new-message", open: "New message", ready: ".pick-list li" },
  { name: "invite", open: "Invite people", ready: ".form" },
  { name: "create-channel", open: "Create a channel", ready: ".form" },
  { name: "settings", open: "Settings", ready: ".settings" },
];

async function background(page) {
  return page.evaluate(() => getComputedStyle(document.body).backgroundColor);
}

for (const scheme of ["light", "dark"]) {
  test(`${scheme}: conversation, details and every dialog have nothing for axe to say`, async () => {
    const page = await t.open(chromium, server, ann, { colorScheme: scheme });
    await page.locator(".message").nth(3).waitFor();
    await t.assertAccessible(page, `${scheme} conversation`);
    await t.screenshot(page, `conversation-${scheme}`);
    await page.locator(".message").nth(1).hover();
    await t.assertAccessible(page, `${scheme} message tools`);
    await page.getByRole("button", { name: /^Details/ }).click();
    await page.locator(".member").nth(1).waitFor();
    await t.assertAccessible(page, `${scheme} details`);
    await t.screenshot(page, `details-${scheme}`);
    await page.getByRole("button", { name: "Close details" }).click();
    for (const d of DIALOGS) {
      await page.getByRole("button", { name: d.open, exact: true }).click();
      await page.locator(`dialog ${d.ready}`).first().waitFor();
      await t.assertAccessible(page, `${scheme} ${d.name}`);
      await t.screenshot(page, `${d.name}-${scheme}`);
      await page.keyboard.press("Escape");
      await page.locator("dialog").waitFor({ state: "detached" });
    }
    await t.close(page);
  });
}

test("the theme follows the system until one is chosen, and the choice outlives a reload", async () => {
  const page = await t.open(chromium, server, ann, { colorScheme: "light" });
  const light = await background(page);
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await background(page);
  assert.notEqual(light, dark);
  await page.getByRole("button", { name: "Settings", exact: true }).click();
  await page.getByRole("tab", { name: "Appearance" }).click();
  await page.getByRole("radio", { name: /^Light/ }).check({ force: true });
  assert.equal(await background(page), light);
  await t.assertAccessible(page, "the choice of a theme");
  await page.reload();
  await t.composer(page).waitFor();
  assert.equal(await background(page), light);
  await page.getByRole("button", { name: "Settings", exact: true }).click();
  await page.getByRole("tab", { name: "Appearance" }).click();
  await page.getByRole("radio", { name: /^System/ }).check({ force: true });
  assert.equal(await background(page), dark);
  await t.close(page);
});

for (const scheme of ["light", "dark"]) {
  test(`${scheme}, 390 pixels wide: everything fits and can be reached`, async () => {
    const page = await t.open(chromium, server, ann, {
      colorScheme: scheme,
      viewport: { width: 390, height: 844 },
      hasTouch: true,
      isMobile: true,
    });
    await page.locator(".message").nth(3).waitFor();
    await t.assertFits(page, "the conversation");
    await t.assertAccessible(page, "the narrow conversation");
    await t.screenshot(page, `narrow-${scheme}`);

    await page.getByRole("button", { name: "Channels", exact: true }).tap();
    const list = page.getByRole("navigation", { name: "Channels and direct messages" });
    await list.waitFor();
    await t.assertFits(page, "the drawer");
    await t.assertAccessible(page, "the drawer");
    await t.screenshot(page, `drawer-${scheme}`);
    const small = await page.locator(".side button, .side a").evaluateAll((all) =>
      all.filter((e) => e.getBoundingClientRect().height < 44).map((e) => e.outerHTML.slice(0, 90)),
    );
    assert.deepEqual(small, [], "targets for a finger are at least 44 px high");
    await page.locator(".channel", { hasText: "Ben Okafor" }).tap();
    await page.getByRole("heading", { level: 1, name: "Ben Okafor" }).waitFor();
    await list.waitFor({ state: "hidden" });

    await page.getByRole("button", { name: /^Details/ }).tap();
    await page.locator(".member").first().waitFor();
    assert.equal((await page.locator(".panel").boundingBox()).width, 390, "the panel is the whole screen");
    await t.assertFits(page, "the panel");
    await t.assertAccessible(page, "the narrow panel");
    await t.screenshot(page, `narrow-details-${scheme}`);
    await page.getByRole("button", { name: "Close details" }).tap();

    for (const d of DIALOGS) {
      await page.getByRole("button", { name: "Channels", exact: true }).tap();
      await page.getByRole("button", { name: d.open, exact: true }).tap();
      await page.locator(`dialog ${d.ready}`).first().waitFor();
      await t.assertFits(page, d.name);
      await t.screenshot(page, `narrow-${d.name}-${scheme}`);
      await page.locator("dialog").getByRole("button", { name: "Close" }).tap();
      await page.locator("dialog").waitFor({ state: "detached" });
      const scrim = page.getByRole("button", { name: "Close the list of channels" });
      if (await scrim.isVisible()) await page.touchscreen.tap(380, 400);
    }
    await t.close(page);
  });
}

test("at a tablet's width the list is a drawer and the panel lies beside", async () => {
  const page = await t.open(chromium, server, ann, { viewport: { width: 820, height: 1_100 } });
  await t.assertFits(page, "the tablet");
  await page.getByRole("button", { name: "Channels", exact: true }).click();
  await page.locator(".side.open").waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".side.open").waitFor({ state: "detached" });
  await page.getByRole("button", { name: /^Details/ }).click();
  await page.locator(".member").first().waitFor();
  await t.assertFits(page, "the tablet with details");
  await t.screenshot(page, "tablet-details");
  await t.close(page);
});

test("the page is small, is allowed nothing from elsewhere, and is cached for good", async () => {
  const page = await t.newPage(chromium);
  const sizes = [];
  page.on("response", async (response) => {
    if (!response.url().includes("/assets/")) return;
    sizes.push({ url: response.url(), headers: response.headers(), size: (await response.request().sizes()).responseBodySize });
  });
  const main = await page.goto(server.url);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.waitForLoadState("networkidle");
  const policy = main.headers()["content-security-policy"];
  assert.match(policy, /default-src 'self'/);
  assert.doesNotMatch(policy, /unsafe/);
  assert.ok(sizes.length >= 2);
  for (const { url, headers } of sizes) {
    assert.match(headers["cache-control"], /immutable/, url);
    assert.match(headers["content-encoding"] ?? "", /^(br|gzip)$/, url);
  }
  const total = sizes.reduce((sum, s) => sum + s.size, 0);
  assert.ok(total > 0 && total < 100_000, `${total} bytes`);
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
  assert.ok(paint < 3_000, `first paint after ${paint} ms`);
  await t.close(page);
});
