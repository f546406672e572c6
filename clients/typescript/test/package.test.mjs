// The package as it is published: what is in it, how large it is, what its types say, and that its README is true.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { again, call, eventually, must, people, start, temporaryFolder } from "./lib.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const MODULES = join(ROOT, "node_modules");
const LIMIT = 8_000; // bytes
const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
let folder; // of somebody who has installed the package
let files;

before(() => {
  folder = temporaryFolder();
  const run = (program, ...args) => execFileSync(program, args, { encoding: "utf8", cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  const [packed] = JSON.parse(run("npm", "pack", "--json", "--pack-destination", folder));
  files = packed.files.map((file) => file.path);
  const installed = join(folder, "node_modules", manifest.name);
  mkdirSync(installed, { recursive: true });
  run("tar", "-xzf", join(folder, packed.filename.replace("@", "").replace("/", "-")), "-C", installed, "--strip-components=1");
  for (const name of ["ws", "react", "@types"]) {
    symlinkSync(join(MODULES, name), join(folder, "node_modules", name));
  }
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
});

async function size(...entries) {
  const { outputFiles } = await build({
    stdin: { contents: entries.map((path, i) => `export * as e${i} from "./${path}";`).join("\n"), resolveDir: ROOT },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    external: ["react", "node:*"],
    write: false,
  });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

test("nothing is needed beside the platform", () => {
  assert.equal(manifest.dependencies, undefined);
  assert.deepEqual(Object.keys(manifest.peerDependencies), ["react"]);
  assert.equal(manifest.peerDependenciesMeta.react.optional, true);
});

test("every entry is there with its types, and nothing but what was built", () => {
  for (const path of Object.values(manifest.exports)) {
    assert.ok(files.includes(path.slice(2)), path);
    assert.ok(files.includes(path.slice(2).replace(/\.js$/, ".d.ts")), `${path}'s types`);
  }
  const others = files.filter((path) => !/^dist\/.*\.(js|d\.ts)$/.test(path));
  assert.deepEqual(others.sort(), ["README.md", "package.json"]);
});

for (const [entry, path] of Object.entries(manifest.exports)) {
  test(`${entry} is smaller than ${LIMIT} bytes, minified and compressed`, async (t) => {
    const bytes = await size(path.slice(2));
    t.diagnostic(`${bytes} bytes`);
    assert.ok(bytes < LIMIT, `${bytes} bytes`);
    assert.ok(bytes > 500, `${bytes} bytes: it cannot be all of it`);
  });
}

const CONSUMER = `
import { CallError, Parley, memoryStore } from "@parley/client";
import type { Message, Position } from "@parley/client";
import { fileStore } from "@parley/client/node";
import { EMPTY, reduce } from "@parley/client/state";
import WebSocket from "ws";

const parley = new Parley({ url: "http://localhost", WebSocket, store: Math.random() > 2 ? fileStore("x") : memoryStore() });
const stop: () => void = parley.on("message.created", ({ message, seq }) => {
  const text: string | undefined = message.text;
  const at: number = seq;
  console.log(text, at);
});
parley.on("typing", ({ user }) => console.log(user));
const { channel } = await parley.call("channel.create", { name: "a", type: "private" });
const position: Position = channel;
const { message }: { message: Message } = await parley.http("message.send", { channel: channel.id, text: "a" });
await parley.call("channel.list");
await parley.call("auth.logout");
parley.listen({ started: (session, dropped) => console.log(session.user.name, dropped.length, reduce(EMPTY, { type: "session/ended" })) });
const later: Promise<Message> = parley.send(channel.id, "b").message;
later.catch((error: unknown) => {
  if (error instanceof CallError && error.type === "rate_limited") console.log(error.data.retry_after_ms);
});
stop();
console.log(position, message);

// @ts-expect-error no such command
await parley.call("channel.explode", {});
// @ts-expect-error a parameter is missing
await parley.call("message.send", { channel: "c" });
// @ts-expect-error a parameter of the wrong type
await parley.call("read.mark", { channel: "c", seq: "1" });
// @ts-expect-error no parameters, though some are needed
await parley.call("user.get");
// @ts-expect-error a parameter that there is not
await parley.call("auth.logout", { everywhere: true });
// @ts-expect-error no such event
parley.on("message.exploded", () => undefined);
// @ts-expect-error an event has no such member
parley.on("typing", ({ text }) => console.log(text));
// @ts-expect-error not offered over HTTP
await parley.http("session.start", {});
// @ts-expect-error no such error
if (new CallError({ type: "gone" }, "").type === "exploded") console.log();
`;

test("its types fit the protocol for whoever installs it, whatever the module resolution", () => {
  const [, tsx] = readFileSync(join(ROOT, "README.md"), "utf8").match(/```tsx example\n(.*?)```/s);
  writeFileSync(join(folder, "consumer.ts"), CONSUMER);
  writeFileSync(join(folder, "readme.tsx"), tsx);
  for (const resolution of [["NodeNext", "NodeNext"], ["ESNext", "Bundler"]]) {
    const options = { module: resolution[0], moduleResolution: resolution[1], target: "ES2022", strict: true, noEmit: true, jsx: "react-jsx", types: ["node"] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: { ...options, skipLibCheck: false }, include: ["consumer.ts", "readme.tsx"] }));
    try {
      execFileSync(process.execPath, [join(MODULES, "typescript/bin/tsc"), "-p", folder], { encoding: "utf8" });
    } catch (error) {
      assert.fail(`${resolution[1]}: ${error.stdout}`);
    }
  }
});

test("the README's example does what it says, also when it and the server are killed", async () => {
  const [, example] = readFileSync(join(ROOT, "README.md"), "utf8").match(/```js example\n(.*?)```/s);
  writeFileSync(join(folder, "bot.mjs"), example);
  let server = await start();
  after(() => server.stop());
  const { ann, hal } = await people(server.url, "ann", "hal");
  const { channel } = await must(server.url, "channel.create", { name: "lobby" }, ann.token);
  await must(server.url, "channel.join", { channel: channel.id }, hal.token);

  const bot = () => {
    const env = { ...process.env, PARLEY_URL: server.url, BOT_NAME: "hal", BOT_PASSWORD: "correct horse battery" };
    const child = spawn(process.execPath, ["bot.mjs"], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
    const run = { child, out: "", exited: once(child, "exit") };
    child.stdout.setEncoding("utf8").on("data", (text) => (run.out += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (run.out += text));
    return run;
  };
  const texts = async () => {
    const { body } = await call(server.url, "message.history", { channel: channel.id }, ann.token);
    return body.messages.map((m) => m.text);
  };
  const greeted = (n) => eventually(`${n} greetings`, async () => (await texts()).filter((t) => t === "Hello yourself!").length === n);
  const hello = (n) => must(server.url, "message.send", { channel: channel.id, text: `hello ${n}` }, ann.token);

  const first = bot();
  await eventually("it is in", () => /hal is in \d channels/.test(first.out)).catch(() => assert.fail(first.out));
  await hello(1);
  await greeted(1);
  await eventually("its position", () => existsSync(join(folder, "positions.json")));
  first.child.kill("SIGKILL");
  await first.exited;
  await hello(2);
  const second = bot();
  await greeted(2);
  await server.kill();
  server = await again(server);
  await hello(3);
  await greeted(3);
  assert.equal((await texts()).length, 6);
  second.child.kill("SIGTERM");
  assert.deepEqual(await second.exited, [0, null], second.out);
  const wrong = spawn(process.execPath, ["bot.mjs"], {
    cwd: folder,
    env: { ...process.env, PARLEY_URL: server.url, BOT_NAME: "hal", BOT_PASSWORD: "not this one" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  wrong.stderr.setEncoding("utf8").on("data", (text) => (said += text));
  assert.deepEqual(await once(wrong, "exit"), [1, null]);
  assert.match(said, /^unauthenticated: /);
});
