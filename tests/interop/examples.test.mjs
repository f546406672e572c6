// The examples, as their README says to run them.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { eventually } from "../lib/process.mjs";
import { start, within } from "../lib/parleyd.mjs";
import { must, people } from "../lib/people.mjs";

const example = (path) => fileURLToPath(new URL(`../../examples/${path}`, import.meta.url));
const WAIT_MS = 30_000;
const ACCOUNT = { PARLEY_NAME: "bob", PARLEY_PASSWORD: "correct horse battery" };

const children = [];
after(() => children.forEach((child) => child.kill("SIGKILL")));

function run(argv, env = ACCOUNT) {
  const child = spawn(argv[0], argv.slice(1), { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  const it = { out: "", problem: "", stop: (signal) => child.kill(signal) };
  child.stdout.setEncoding("utf8").on("data", (text) => (it.out += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (it.problem += text));
  const end = new Promise((resolve) => child.on("close", (code, signal) => resolve(code ?? signal)));
  it.end = () => within(WAIT_MS, `the end of ${argv.join(" ")}`, end);
  it.prints = (pattern) => eventually(`${pattern} from ${argv.join(" ")}; ${it.problem}`, () => pattern.exec(it.out));
  return it;
}

let server, ann, bob, channel;
before(async () => {
  server = await start({ args: ["--rate-limits", "off"] });
  ({ ann, bob } = await people(server.url, "ann", "bob"));
});
after(() => server.stop());

const say = (text) => must(server.url, "message.send", { channel: channel.id, text }, ann.token);
const history = async () => (await must(server.url, "message.history", { channel: channel.id }, ann.token)).messages;
const texts = async () => (await history()).sort((a, b) => a.seq - b.seq).map((m) => m.text);
const written = (...wanted) =>
  eventually(`${wanted}`, async () => JSON.stringify(await texts()) === JSON.stringify(wanted)).catch(async (error) => {
    assert.deepEqual(await texts(), wanted, error.message);
  });

for (const [title, argv] of [
  ["bot-node", [process.execPath, example("bot-node/bot.mjs")]],
  ["bot-python", ["/usr/bin/python3", example("bot-python/bot.py")]],
]) {
  describe(title, () => {
    test("answers in its channel, once each, also what was asked while the server was away, and ends when told", async () => {
      ({ channel } = await must(server.url, "channel.create", { name: title }, ann.token));
      const bot = run([...argv, server.url, title]);
      await bot.prints(/bob listens in #/);
      await say("!echo one €");
      await say("not for the bot");
      await say("!echo two");
      // Each answer comes after its question, but may come after the next message too.
      await eventually("the answers", async () => (await texts()).filter((t) => t === "one €" || t === "two").length === 2);
      const others = (await history()).filter((m) => m.author === bob.id).sort((a, b) => a.seq - b.seq).map((m) => m.text);
      assert.deepEqual(others, ["one €", "two"]);

      const { dataDir, url } = server;
      await server.kill();
      server = await start({ args: ["--rate-limits", "off"], dataDir, listen: new URL(url).host });
      await say("!echo three");
      await eventually("the third answer", async () => (await texts()).includes("three"));
      await say("!time");
      await eventually("the time", async () => (await texts()).some((t) => /^2\d{3}-\d\d-\d\dT/.test(t)));
      const answers = (await history()).filter((m) => m.author === bob.id);
      assert.equal(answers.length, 4, JSON.stringify(await texts()));
      bot.stop("SIGTERM");
      assert.equal(await bot.end(), 0, bot.problem);
    });

    test("says what is wrong when it cannot sign in or find its channel", async () => {
      const stranger = run([...argv, server.url, title], { ...ACCOUNT, PARLEY_PASSWORD: "wrong wrong wrong" });
      assert.notEqual(await stranger.end(), 0);
      assert.match(stranger.problem, /auth\.login: \w+/);
      const lost = run([...argv, server.url, "nosuch"]);
      assert.notEqual(await lost.end(), 0);
      assert.match(lost.problem, /channel\.get: \w+/);
    });
  });
}

describe("curl", () => {
  const SCRIPT = example("curl/chat.sh");

  test("sends, and prints what is written, in order", async () => {
    ({ channel } = await must(server.url, "channel.create", { name: "curl" }, ann.token));
    await say("before");
    const chat = run([SCRIPT, server.url, "curl", 'Lunch? "€"']);
    await chat.prints(/: Lunch\? "€"$/m);
    for (let i = 0; i < 3; i++) await say(`answer ${i}`);
    await chat.prints(/answer 2$/m);
    const lines = chat.out.trim().split("\n").map((line) => line.replace(/^\S+ /, ""));
    assert.deepEqual(lines, [`${bob.id}: Lunch? "€"`, ...[0, 1, 2].map((i) => `${ann.id}: answer ${i}`)]);
    await written("before", 'Lunch? "€"', "answer 0", "answer 1", "answer 2");
    chat.stop("SIGTERM");
    await chat.end();
  });

  test("says what is wrong when it cannot sign in or find its channel", async () => {
    const stranger = run([SCRIPT, server.url, "curl"], { ...ACCOUNT, PARLEY_PASSWORD: "wrong wrong wrong" });
    assert.equal(await stranger.end(), 1);
    assert.match(stranger.problem, /^auth\.login: \w+/);
    const lost = run([SCRIPT, server.url, "nosuch"]);
    assert.equal(await lost.end(), 1);
    assert.match(lost.problem, /^channel\.get: \w+/);
  });
});
