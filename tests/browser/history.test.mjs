import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as t from "./helpers.mjs";

const chromium = t.useBrowser();
const COUNT = 3_000;
const MAX_ROWS = 300;
let server;
let ann;
let long;

before(async () => {
  server = await t.startServer();
  ann = await t.register(server, "ann", "Ann");
  const made = await t.ok(server, ann, "channel.create", { name: "long" });
  long = made.channel;
  for (let from = 1; from <= COUNT; from += 100) {
    const batch = Array.from({ length: 100 }, (_, i) => from + i);
    await Promise.all(batch.map((n) => t.ok(server, ann, "message.send", { channel: long.id, text: textOf(n) })));
  }
});
after(() => server.stop());

/** Messages of very different heights. */
function textOf(n) {
  if (n % 11 === 0) return `#${n}\n\`\`\`\nline\nline\nline\n\`\`\``;
  if (n % 7 === 0) return `#${n} ${"many words in a row ".repeat(20)}`;
  return `#${n} short`;
}

/** Lets a test hold back the server's pages of history, as a slow network would. */
async function holdable(page) {
  await page.addInitScript(() => {
    const own = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage");
    globalThis.held = [];
    globalThis.hold = false;
    globalThis.asked = 0;
    Object.defineProperty(WebSocket.prototype, "onmessage", {
      ...own,
      set(handler) {
        own.set.call(this, handler && ((event) => {
          if (globalThis.hold && event.data.includes('"more_before"')) globalThis.held.push(() => handler(event));
          else handler(event);
        }));
      },
    });
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function counted(data) {
      if (data.includes("message.history")) globalThis.asked += 1;
      return send.call(this, data);
    };
  });
}

async function openLong(options) {
  const page = await t.newPage(chromium, options);
  await holdable(page);
  await page.context().addCookies([{ name: "parley_session", value: ann.token, url: server.url, httpOnly: true, sameSite: "Strict" }]);
  await page.goto(`${server.url}/#/c/${long.id}`);
  await page.locator(".message").first().waitFor();
  await t.frames(page);
  return page;
}

/** Where the rows in view are, by key. */
function places(page) {
  return page.evaluate(() => {
    const log = document.querySelector(".log").getBoundingClientRect();
    const inView = [...document.querySelectorAll(".log-row:has(.message)")].filter((row) => {
      const box = row.getBoundingClientRect();
      return box.bottom > log.top && box.top < log.bottom;
    });
    return Object.fromEntries(inView.map((row) => [row.dataset.key, row.getBoundingClientRect().top]));
  });
}

function assertStill(before, after, what) {
  const common = Object.keys(before).filter((key) => key in after);
  assert.ok(common.length > 0, `${what}: nothing that was in view still is`);
  for (const key of common) {
    assert.ok(Math.abs(before[key] - after[key]) <= 1, `${what}: ${key} moved from ${before[key]} to ${after[key]}`);
  }
}

async function wheel(page, dy) {
  await page.locator(".log").hover();
  await page.mouse.wheel(0, dy);
  await t.frames(page, 3);
}

test("a channel opens at its end", async () => {
  const page = await openLong();
  const gap = await page.evaluate(() => {
    const log = document.querySelector(".log");
    return log.scrollHeight - log.scrollTop - log.clientHeight;
  });
  assert.ok(gap <= 1, `the end is ${gap} px away`);
  await t.close(page);
});

test("older messages put in front do not move the row under the eye", async () => {
  const page = await openLong();
  await page.evaluate(() => (globalThis.hold = true));
  let prepended = 0;
  for (let step = 0; step < 12 && prepended < 3; step += 1) {
    for (let i = 0; i < 6; i += 1) await wheel(page, -500);
    if ((await page.evaluate(() => globalThis.held.length)) === 0) continue;
    await t.frames(page, 3);
    const before = await places(page);
    // Every frame until well after the page has come is looked at, not only the last.
    const seen = await page.evaluate(async () => {
      const log = document.querySelector(".log");
      const key = [...document.querySelectorAll(".log-row:has(.message)")].find((r) => r.getBoundingClientRect().bottom > log.getBoundingClientRect().top + 100).dataset.key;
      const top = () => document.querySelector(`[data-key="${key}"]`)?.getBoundingClientRect().top ?? null;
      const tops = [top()];
      for (const release of globalThis.held.splice(0)) release();
      for (let i = 0; i < 10; i += 1) {
        await new Promise((resolve) => requestAnimationFrame(resolve));
        tops.push(top());
      }
      return tops;
    });
    for (const top of seen) assert.ok(top !== null && Math.abs(top - seen[0]) <= 1, `the row was at ${seen.join(", ")}`);
    assertStill(before, await places(page), `prepend ${prepended + 1}`);
    prepended += 1;
  }
  assert.equal(prepended, 3, "three pages were put in front");
  await t.close(page);
});

test("thousands of messages scroll by, each once, in order, and the page never holds 300 rows", async () => {
  const page = await openLong();
  const seen = new Map();
  let rows = 0;
  const end = Date.now() + 60_000;
  for (;;) {
    const now = await page.evaluate(() => ({
      rows: document.querySelectorAll(".log-row").length,
      nodes: [...document.querySelectorAll(".message[data-message]")].map((m) => [m.dataset.message, m.querySelector(".text").innerText.split(/\s/)[0]]),
      start: document.querySelector(".start") !== null && document.querySelector(".log").scrollTop < 5,
    }));
    rows = Math.max(rows, now.rows);
    for (const [id, text] of now.nodes) seen.set(id, text);
    const order = now.nodes.map(([id]) => id);
    assert.equal(new Set(order).size, order.length, "a message is on the page twice");
    if (now.start) break;
    assert.ok(Date.now() < end, `the beginning was not reached; ${seen.size} messages seen`);
    await page.mouse.move(700, 400);
    await page.mouse.wheel(0, -1_400);
    await t.frames(page, 2);
  }
  assert.ok(rows < MAX_ROWS, `${rows} rows on the page`);
  assert.equal(seen.size, COUNT);
  assert.equal(new Set(seen.values()).size, COUNT);
  await t.screenshot(page, "history-start");

  await page.getByRole("button", { name: "Jump to latest" }).click();
  const { messages } = await t.ok(server, ann, "message.history", { channel: long.id, limit: 1 });
  await page.locator(`[data-message="${messages[0].id}"]`).waitFor();
  await page.getByRole("button", { name: "Jump to latest" }).waitFor({ state: "detached" });
  await t.close(page);
});

test("a narrower window keeps the row under the eye", async () => {
  const page = await openLong();
  for (let i = 0; i < 4; i += 1) await wheel(page, -700);
  const anchor = await page.evaluate(() => {
    const log = document.querySelector(".log").getBoundingClientRect();
    const row = [...document.querySelectorAll(".log-row:has(.message)")].find((r) => r.getBoundingClientRect().bottom > log.top);
    return { key: row.dataset.key, top: row.getBoundingClientRect().top };
  });
  await page.setViewportSize({ width: 1_000, height: 800 });
  await t.frames(page, 3);
  const top = await page.evaluate((key) => document.querySelector(`[data-key="${key}"]`)?.getBoundingClientRect().top, anchor.key);
  assert.ok(Math.abs(top - anchor.top) <= 1, `from ${anchor.top} to ${top}`);
  await t.close(page);
});

test("going back to a channel shows it in the next frame, where it was left, without asking the server", async () => {
  const page = await openLong();
  for (let i = 0; i < 4; i += 1) await wheel(page, -600);
  const left = await places(page);
  await t.openChannel(page, "general");
  await page.getByText("This is the start of #general").waitFor();
  const switched = await page.evaluate(async () => {
    globalThis.asked = 0;
    const link = [...document.querySelectorAll(".channel")].find((a) => a.textContent.includes("long"));
    link.click();
    await new Promise((resolve) => requestAnimationFrame(resolve));
    return { messages: document.querySelectorAll(".message").length, asked: globalThis.asked, title: document.querySelector("h1").textContent };
  });
  assert.equal(switched.title, "long");
  assert.ok(switched.messages > 5);
  assert.equal(switched.asked, 0);
  assertStill(left, await places(page), "coming back");
  await t.close(page);
});

test("while one reads above, new messages wait below under a pill that counts them", async () => {
  const page = await openLong();
  const ben = await t.register(server, "ben", "Ben");
  await t.ok(server, ben, "channel.join", { channel: long.id });
  for (let i = 0; i < 4; i += 1) await wheel(page, -600);
  const before = await places(page);
  for (const text of ["below one", "below two"]) await t.ok(server, ben, "message.send", { channel: long.id, text });
  const pill = page.getByRole("button", { name: "Jump to latest (2 new)" });
  await pill.waitFor();
  assertStill(before, await places(page), "messages below");
  await t.screenshot(page, "jump-to-latest");
  await pill.click();
  await page.locator(".message", { hasText: "below two" }).waitFor();
  await pill.waitFor({ state: "detached" });
  await t.close(page);
});

test("a channel with many unread messages opens at the first of them, and reading on reaches the end", async () => {
  const zoe = await t.register(server, "zoe", "Zoe");
  const { channel } = await t.ok(server, ann, "channel.create", { name: "flood" });
  await t.ok(server, zoe, "channel.join", { channel: channel.id });
  for (let n = 1; n <= 5; n += 1) await t.ok(server, ann, "message.send", { channel: channel.id, text: `old ${n}` });
  const { messages } = await t.ok(server, zoe, "message.history", { channel: channel.id, limit: 1 });
  await t.ok(server, zoe, "read.mark", { channel: channel.id, seq: messages[0].seq });
  for (let n = 1; n <= 150; n += 1) await t.ok(server, ann, "message.send", { channel: channel.id, text: `new ${n}` });
  const page = await t.open(chromium, server, zoe);
  await t.openChannel(page, "flood");
  await page.locator(".new").waitFor();
  await page.getByText("new 1", { exact: true }).waitFor();
  const { top, bottom } = await page.evaluate(() => {
    const log = document.querySelector(".log").getBoundingClientRect();
    const row = document.querySelector(".new").getBoundingClientRect();
    return { top: row.top - log.top, bottom: log.bottom - row.bottom };
  });
  assert.ok(top >= 0 && bottom >= 0, "the divider is in view");
  const end = Date.now() + 30_000;
  while ((await page.getByText("new 150", { exact: true }).count()) === 0) {
    assert.ok(Date.now() < end, "the end was not reached");
    await page.mouse.move(700, 400);
    await page.mouse.wheel(0, 900);
    await t.frames(page, 2);
  }
  await wheel(page, 5_000);
  await page.locator(".channel.unread", { hasText: "flood" }).waitFor({ state: "detached" });
  assert.equal(await page.getByRole("button", { name: /^Jump to latest/ }).count(), 0);
  await t.close(page);
});

test("at the end, new messages keep the end in view", async () => {
  const page = await openLong();
  await t.ok(server, ann, "message.send", { channel: long.id, text: "from elsewhere ".repeat(60) });
  await page.locator(".message", { hasText: "from elsewhere" }).waitFor();
  await t.frames(page, 3);
  const gap = await page.evaluate(() => {
    const log = document.querySelector(".log");
    return log.scrollHeight - log.scrollTop - log.clientHeight;
  });
  assert.ok(gap <= 1);
  await t.close(page);
});

test("loading shows grey rows only when it takes longer than a moment", async () => {
  const page = await t.newPage(chromium);
  await holdable(page);
  await page.addInitScript(() => (globalThis.hold = true));
  await page.context().addCookies([{ name: "parley_session", value: ann.token, url: server.url, httpOnly: true, sameSite: "Strict" }]);
  await page.goto(`${server.url}/#/c/${long.id}`);
  await page.locator(".skeletons").waitFor({ state: "attached" });
  await page.locator(".skeleton").first().waitFor();
  await t.assertAccessible(page, "loading");
  await t.screenshot(page, "loading");
  await page.evaluate(() => {
    globalThis.hold = false;
    for (const release of globalThis.held.splice(0)) release();
  });
  await page.locator(".message").first().waitFor();
  await t.close(page);
});
