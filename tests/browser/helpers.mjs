// What the browser tests share: a real parleyd, a real Chromium, people who are signed in, and what must hold of any page.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const require = createRequire(join(root, "web/package.json"));
const { chromium } = require("playwright-core");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

process.env.PARLEYD ||= [join(root, "build/parleyd"), join(root, "build/release/parleyd")].find((p) => existsSync(p)) ?? "";
const lib = await import("../lib/parleyd.mjs");
export const { call } = lib;

const CHROMIUM = process.env.CHROMIUM || "/usr/bin/chromium";
const WEB_ROOT = process.env.PARLEY_WEB_ROOT || join(root, "web/dist");
export const SCREENSHOTS = process.env.SCREENSHOTS || mkdtempSync(join(tmpdir(), "parley-screenshots-"));
mkdirSync(SCREENSHOTS, { recursive: true });

export const PASSWORD = "correct horse battery";
const DEADLINE_MS = 20_000;

// Rates are for people; a test writes faster than any of them.
const ARGS = ["--web-root", WEB_ROOT, "--rate-limits", "off"];

/** A server that can be ended and started again on its own port and data. */
export async function startServer(options = {}) {
  const { args = [], ...rest } = options;
  let current = await lib.start({ args: [...ARGS, ...args], ...rest });
  const { url, dataDir } = current;
  const listen = new URL(url).host;
  return {
    url,
    dataDir,
    log: () => current.log(),
    kill: () => current.kill(),
    stop: () => current.stop(),
    async restart() {
      current = await lib.start({ args: [...ARGS, ...args], dataDir, listen });
    },
  };
}

/** A browser for a whole test file. */
export function useBrowser() {
  const state = { browser: null };
  before(async () => {
    state.browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
  });
  after(async () => {
    await state.browser?.close();
  });
  return state;
}

/** An account made over HTTP: { user, token, session }. */
export async function register(server, name, displayName = name, extra = {}) {
  const { status, body } = await call(server.url, "auth.register", {
    name,
    password: PASSWORD,
    display_name: displayName,
    ...extra,
  });
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

/** A command that must succeed. */
export async function ok(server, person, command, params = {}) {
  const { status, body } = await call(server.url, command, params, person.token);
  assert.equal(status, 200, `${command}: ${JSON.stringify(body)}`);
  return body;
}

export async function channelNamed(server, person, name) {
  const { channels } = await ok(server, person, "channel.list", { query: name });
  const found = channels.find((c) => c.name === name);
  assert.ok(found, `no channel ${name}`);
  return found;
}

/** A page of a fresh browser profile. What goes wrong on it fails the test when the page is closed. */
export async function newPage(state, options = {}) {
  const context = await state.browser.newContext({
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    reducedMotion: "reduce",
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(DEADLINE_MS);
  page.problems = [];
  page.on("pageerror", (error) => page.problems.push(String(error.stack)));
  page.on("console", (entry) => {
    if (entry.type() === "error" && !isExpected(entry.text())) page.problems.push(entry.text());
  });
  return page;
}

/** The browser logs refused requests by itself, whatever the page makes of them. */
function isExpected(text) {
  return /Failed to load resource|WebSocket connection to|ERR_CONNECTION/.test(text);
}

/** Signs a person in by their cookie and opens the client. */
export async function open(state, server, person, options = {}) {
  const page = await newPage(state, options);
  const cookie = { name: "parley_session", value: person.token, url: server.url, httpOnly: true, sameSite: "Strict" };
  await page.context().addCookies([cookie]);
  await page.goto(server.url);
  await page.locator(".composer textarea").waitFor();
  return page;
}

export async function close(...pages) {
  for (const page of pages) {
    assert.deepEqual(page.problems, [], "the page had problems");
    await page.context().close();
  }
}

export function composer(page) {
  return page.locator(".composer textarea");
}

export async function write(page, text) {
  await composer(page).fill(text);
  await composer(page).press("Enter");
}

/** The texts of the messages on the page, pending ones too, in their order. */
export function texts(page) {
  return page.locator(".message .text").allInnerTexts();
}

/** Waits until `read` gives something that `holds` accepts; fails with the last value. */
export async function eventually(read, holds, what, ms = DEADLINE_MS) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await read();
    if (holds(value)) return value;
    if (Date.now() > end) assert.fail(`${what}; last seen: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export async function hasTexts(page, wanted) {
  await eventually(
    () => texts(page),
    (seen) => JSON.stringify(seen.slice(-wanted.length)) === JSON.stringify(wanted),
    `the last messages are ${JSON.stringify(wanted)}`,
  );
}

export async function openChannel(page, name) {
  await page.locator(".channel", { hasText: name }).click();
  await page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
}

export async function focusIsIn(page, selector) {
  await page.waitForFunction((s) => document.activeElement?.matches(s) === true, selector);
}

export async function frames(page, count = 2) {
  await page.evaluate(async (n) => {
    for (let i = 0; i < n; i += 1) await new Promise((resolve) => requestAnimationFrame(resolve));
  }, count);
}

/** Nothing for axe to say about the page as it stands. */
export async function assertAccessible(page, what) {
  // Run by the debugger, which the page's own policy does not bind.
  await page.evaluate(axeSource);
  const found = await page.evaluate(async () => {
    const result = await globalThis.axe.run(document, { resultTypes: ["violations"] });
    return result.violations.map((v) => ({ id: v.id, nodes: v.nodes.map((n) => `${n.target.join(" ")}: ${n.failureSummary}`) }));
  });
  assert.deepEqual(found, [], `axe on ${what}`);
}

/** Nothing sticks out of the page to the side. */
export async function assertFits(page, what) {
  const over = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const wide = [...document.querySelectorAll("body *")].filter((e) => {
      const box = e.getBoundingClientRect();
      const style = getComputedStyle(e);
      if (box.width === 0 || style.visibility === "hidden" || e.closest(".visually-hidden, pre")) return false;
      return box.right > width + 0.5 || box.left < -0.5;
    });
    return { scroll: document.documentElement.scrollWidth - width, wide: wide.map((e) => `${e.tagName}.${e.className}`) };
  });
  assert.deepEqual(over, { scroll: 0, wide: [] }, `${what} is too wide`);
}

export async function screenshot(page, name) {
  await frames(page);
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}
