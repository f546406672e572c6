// Makes docs/screenshot.png: a real server, a real browser, a few people at work.
//   PARLEYD=build/parleyd node web/tools/screenshot.mjs [file]
import { fileURLToPath } from "node:url";
import { mkdtempSync, rmSync } from "node:fs";
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("../../", import.meta.url));
const file = process.argv[2] ?? join(root, "docs/screenshot.png");
const parleyd = process.env.PARLEYD || join(root, "build/parleyd");
const data = mkdtempSync(join(tmpdir(), "parley-screenshot-"));

const PEOPLE = [
  ["maya", "Maya Lindqvist"],
  ["tomas", "Tomás Herrera"],
  ["aiko", "Aiko Tanaka"],
  ["kwame", "Kwame Mensah"],
  ["elif", "Elif Demir"],
];

const CHANNELS = [
  ["design", "Type, colour and the occasional argument"],
  ["incidents", "Quiet is good"],
  ["infrastructure", "Machines, networks, coffee"],
  ["releases", "What ships, and when"],
];

const TALK = [
  ["tomas", "Morning all. The new start page is on staging: https://staging.example.org"],
  ["aiko", "Looks lovely on my phone. The headline wraps a little early at 390 px."],
  ["tomas", "Good catch. This should do:\n```\n.headline { text-wrap: balance; }\n```"],
  ["kwame", "Then I would release today. What is left:\n1. Changelog, @elif has a draft\n2. Screenshots, light and dark\n3. **Lunch**"],
  ["elif", "> Changelog\nIn review. Two lines still say *soon*, I am taking them out."],
  ["maya", "I am on the screenshots. Light first, then dark."],
  ["aiko", "One more from the last pass: the focus ring was hard to see on the dark rail. Fixed in the branch `focus-ring`, please have a look."],
  ["kwame", "Reviewed and merged. Shall we ship after the stand-up?"],
  ["maya", "Yes. I will watch the incidents channel for the first hour."],
  ["elif", "Changelog is final. @maya, it is all yours."],
];

async function call(url, command, params, token) {
  const response = await fetch(`${url}/api/v1/${command}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify(params),
  });
  const body = await response.json();
  if (!response.ok) throw new Error(`${command}: ${JSON.stringify(body)}`);
  return body;
}

function listening(child) {
  return new Promise((resolve, reject) => {
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      out += text;
      const url = /^listening on (\S+)$/m.exec(out)?.[1];
      if (url) resolve(url);
    });
    child.on("exit", (code) => reject(new Error(`parleyd ended with ${code}`)));
  });
}

async function fill(url) {
  const tokens = {};
  const ids = {};
  for (const [name, display_name] of PEOPLE) {
    const made = await call(url, "auth.register", { name, password: "a long pass phrase", display_name });
    tokens[name] = made.token;
    ids[name] = made.user.id;
  }
  const as = (name, command, params = {}) => call(url, command, params, tokens[name]);
  const { channels } = await as("maya", "channel.list");
  const general = channels[0];
  await as("maya", "channel.update", { channel: general.id, topic: "The whole team" });
  const made = {};
  for (const [name, topic] of CHANNELS) {
    made[name] = (await as("maya", "channel.create", { name, topic })).channel.id;
    for (const [person] of PEOPLE.slice(1)) await as(person, "channel.join", { channel: made[name] });
  }
  await as("maya", "channel.create", { name: "leads", type: "private" });
  const dms = {};
  for (const other of ["aiko", "kwame", "tomas"]) {
    dms[other] = (await as("maya", "dm.open", { users: [ids[other]] })).channel.id;
  }
  let last;
  for (const [who, text] of TALK) last = (await as(who, "message.send", { channel: made.releases, text })).message;
  await as("aiko", "message.send", { channel: made.design, text: "New icons are up" });
  await as("kwame", "message.send", { channel: made.infrastructure, text: "Disks swapped, @maya, all green" });
  await as("tomas", "message.send", { channel: dms.tomas, text: "Do you have a minute after the stand-up?" });
  await as("maya", "read.mark", { channel: made.releases, seq: last.seq });
  return { tokens, releases: made.releases };
}

async function signedIn(browser, url, token, hash) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    deviceScaleFactor: 1,
    colorScheme: "light",
    locale: "en-GB",
    timezoneId: "Asia/Tokyo",
    reducedMotion: "reduce",
  });
  await context.addCookies([{ name: "parley_session", value: token, url, httpOnly: true, sameSite: "Strict" }]);
  const page = await context.newPage();
  await page.goto(`${url}/#/c/${hash}`);
  await page.locator(".message").first().waitFor();
  return page;
}

const child = spawn(parleyd, ["--listen", "127.0.0.1:0", "--data", data, "--web-root", join(root, "web/dist"), "--rate-limits", "off"], {
  stdio: ["ignore", "pipe", "inherit"],
});
let browser;
try {
  const url = await listening(child);
  const { tokens, releases } = await fill(url);
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--headless=new", "--no-sandbox", "--disable-gpu"],
  });
  const maya = await signedIn(browser, url, tokens.maya, releases);
  const kwame = await signedIn(browser, url, tokens.kwame, releases);
  await signedIn(browser, url, tokens.aiko, releases);
  await maya.getByRole("button", { name: /^Details/ }).click();
  await maya.locator(".member").nth(PEOPLE.length - 1).waitFor();
  await maya.getByRole("button", { name: "Close details" }).click();
  await maya.locator(".composer textarea").fill("Screenshots are done, starting the release now");
  await kwame.locator(".composer textarea").pressSequentially("On ");
  await maya.getByText("is typing…").waitFor();
  await maya.mouse.move(700, 20);
  await maya.screenshot({ path: file });
} finally {
  await browser?.close();
  child.kill("SIGTERM");
  await new Promise((resolve) => child.on("exit", resolve));
  rmSync(data, { recursive: true, force: true });
}
