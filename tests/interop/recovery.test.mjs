// Connection-state recovery of standard JavaScript clients that do not ask for it: after a short disconnection they have what they
// missed, on the node that had them and on another one. Clients that are not known to take its offset are left alone.

import assert from "node:assert/strict";
import { copyFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { close, newPage, useBrowser } from "../browser/helpers.mjs";
import { database } from "../lib/mongo.mjs";
import { start, temporaryFolder, within } from "../lib/parleyd.mjs";
import { must, people } from "../lib/people.mjs";
import { startProxy } from "../lib/proxy.mjs";
import { startRedis } from "../lib/redis.mjs";
import { WAYS } from "./conversation.mjs";
import { watch } from "./watch.js";

const WAIT_MS = 30_000;
const require = createRequire(import.meta.url);
const port = ({ url }) => Number(new URL(url).port);
const state = useBrowser();

const folder = temporaryFolder();
const dist = join(dirname(require.resolve("socket.io-client/package.json")), "dist");
const PAGE = '<!doctype html>\n<html lang="en">\n<title>Recovery</title>\n<script src="/socket.io.js"></script>\n<script type="module" src="/page.js"></script>\n</html>\n';
writeFileSync(join(folder, "index.html"), PAGE);
writeFileSync(join(folder, "page.js"), 'import { watch } from "/watch.js";\nglobalThis.run = (options) => void watch(globalThis.io, options, globalThis.note);\n');
copyFileSync(join(dist, "socket.io.js"), join(folder, "socket.io.js"));
copyFileSync(fileURLToPath(new URL("watch.js", import.meta.url)), join(folder, "watch.js"));

let a, b, ann, bob;
const ends = [];
before(async () => {
  const redis = await startRedis();
  ends.push(() => redis.stop());
  const db = await database();
  ends.push(() => db.drop());
  const args = ["--workers", "2", "--rate-limits", "off", "--web-root", folder, "--bus", redis.uri, "--store", db.uri];
  for (const name of ["a", "b"]) {
    const node = await start({ args: [...args, "--node-name", name] });
    ends.push(() => node.stop());
    if (name === "a") a = node;
    else b = node;
  }
  ({ ann, bob } = await people(a.url, "ann", "bob"));
});
after(async () => {
  for (const end of ends.reverse()) await end();
});

/** What happens to a client, and a way to wait for it. */
function record() {
  const log = [];
  let look = () => {};
  return {
    log,
    note: (entry) => {
      log.push(entry);
      look();
    },
    until: (what, condition) =>
      within(WAIT_MS, what, new Promise((resolve) => {
        look = () => condition(log) && resolve();
        look();
      })),
  };
}

/** socket.io-client NAME in this process. */
function inNode(name) {
  const { io } = require(name);
  return async (proxy, options) => {
    const it = record();
    const stop = watch(io, { ...options, url: `http://127.0.0.1:${proxy.port}` }, it.note);
    return { ...it, stop };
  };
}

/** In a page that came from the same place. */
async function inChromium(proxy, options) {
  const it = record();
  const page = await newPage(state);
  await page.exposeFunction("note", it.note);
  await page.goto(`http://127.0.0.1:${proxy.port}/`);
  await page.waitForFunction(() => globalThis.run && globalThis.io);
  await page.evaluate((given) => globalThis.run(given), options);
  return { ...it, stop: () => close(page) };
}

let rooms = 0;
async function room() {
  const { channel } = await must(a.url, "channel.create", { name: `recovery-${++rooms}` }, ann.token);
  await must(a.url, "channel.join", { channel: channel.id }, bob.token);
  return (text) => must(a.url, "message.send", { channel: channel.id, text }, ann.token);
}

const texts = (log) => log.filter((e) => e.text).map((e) => e.text);
const recovered = (log) => log.filter((e) => e.connected).map((e) => e.recovered);

/** A client that saw a message on node a, and after a disconnection comes to node TO, meanwhile missing some. */
async function comeBack(client, options, to) {
  const say = await room();
  const proxy = await startProxy(port(a));
  const it = await client(proxy, { token: bob.token, ...options });
  await it.until("the session", (log) => log.some((e) => e.started));
  await say("seen");
  await it.until("a message", (log) => texts(log).includes("seen"));
  if (options.recovery !== false) await it.until("its offset", (log) => log.findLastIndex((e) => e.offset) > log.findIndex((e) => e.text));
  proxy.cut();
  for (const text of ["missed 0", "missed 1", "missed 2"]) await say(text);
  proxy.target = port(to);
  proxy.pass();
  await it.until("the next session", (log) => log.filter((e) => e.started).length === 2);
  await say("newer");
  await it.until("a newer message", (log) => texts(log).includes("newer"));
  await it.stop();
  await proxy.close();
  const [first, second] = it.log.filter((e) => e.started).map((e) => e.started);
  assert.equal(first === second, to === a);
  return it.log;
}

const ALL = ["seen", "missed 0", "missed 1", "missed 2", "newer"];

for (const [title, client] of [
  ["socket.io-client 4.x in Node", inNode("socket.io-client")],
  ["socket.io-client 4.x in Chromium", inChromium],
]) {
  describe(`${title}, without asking,`, () => {
    for (const way of WAYS) {
      const options = { transports: way.split(",") };
      test(`is recovered by ${way} on the same node`, async () => {
        const log = await comeBack(client, options, a);
        assert.deepEqual(texts(log), ALL);
        assert.deepEqual(recovered(log), [false, true]);
      });
      test(`is recovered by ${way} on another node`, async () => {
        const log = await comeBack(client, options, b);
        assert.deepEqual(texts(log), ALL);
        assert.deepEqual(recovered(log), [false, true]);
      });
    }

    test("is left alone when it says so", async () => {
      const log = await comeBack(client, { transports: ["websocket"], recovery: false }, a);
      assert.deepEqual(texts(log), ["seen", "newer"]);
      assert.deepEqual(recovered(log), [false, false]);
      assert.ok(log.every((e) => !e.offset && !e.rest));
    });
  });
}

test("socket.io-client 4.x in Node, without asking, is recovered by long-polling with fetch", async () => {
  const { Fetch } = createRequire(require.resolve("socket.io-client"))("engine.io-client");
  const log = await comeBack(inNode("socket.io-client"), { transports: [Fetch] }, a);
  assert.deepEqual(texts(log), ALL);
  assert.deepEqual(recovered(log), [false, true]);
});

test("socket.io-client 3.x, which knows nothing of it, takes events that end with an offset", async () => {
  const say = await room();
  for (const way of WAYS) {
    const proxy = await startProxy(port(a));
    const it = await inNode("socket.io-client-3")(proxy, { token: bob.token, transports: way.split(",") });
    await it.until("the session", (log) => log.some((e) => e.started));
    await say(`by ${way}`);
    await it.until("an offset", (log) => log.some((e) => e.text === `by ${way}` && e.rest === 1) && log.some((e) => e.offset));
    it.stop();
    await proxy.close();
  }
});
