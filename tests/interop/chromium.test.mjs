// socket.io-client in a real Chromium: from a page of the server's own, and from a page of another origin, which has its
// token from somewhere else. The library is the build that comes in its package.

import assert from "node:assert/strict";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { close, newPage, useBrowser } from "../browser/helpers.mjs";
import { temporaryFolder } from "../lib/parleyd.mjs";
import { WAYS, bed, converse } from "./conversation.mjs";

const PAGE = `<!doctype html>
<html lang="en">
  <title>socket.io-client</title>
  <script src="/socket.io.js"></script>
  <script type="module" src="/page.js"></script>
</html>
`;
const SCRIPT = `import { hold } from "/client.js";
globalThis.run = (args) => hold(globalThis.io, args, globalThis.say, globalThis.gone);
`;

const state = useBrowser();
const folder = temporaryFolder();
const dist = join(dirname(createRequire(import.meta.url).resolve("socket.io-client/package.json")), "dist");
writeFileSync(join(folder, "index.html"), PAGE);
writeFileSync(join(folder, "page.js"), SCRIPT);
copyFileSync(join(dist, "socket.io.js"), join(folder, "socket.io.js"));
copyFileSync(fileURLToPath(new URL("client.js", import.meta.url)), join(folder, "client.js"));

/** The same pages from another port, which is another origin. */
const elsewhere = createServer((request, response) => {
  const name = request.url === "/" ? "index.html" : basename(request.url);
  response.setHeader("Content-Type", name.endsWith(".js") ? "text/javascript" : "text/html");
  try {
    response.end(readFileSync(join(folder, name)));
  } catch {
    response.writeHead(404).end();
  }
});

let server, origin;
before(async () => {
  await new Promise((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${elsewhere.address().port}`;
  server = await bed({ args: ["--web-root", folder, "--allowed-origins", origin] });
});
after(async () => {
  elsewhere.closeAllConnections();
  elsewhere.close();
  await server.stop();
});

/** A page at URL as a client of the conversation. */
async function browse(url) {
  const page = await newPage(state);
  const lines = [];
  let arrived = () => {};
  let go;
  const gone = new Promise((resolve) => (go = resolve));
  await page.exposeFunction("say", (line) => {
    lines.push(line);
    arrived();
  });
  await page.exposeFunction("gone", () => gone);
  await page.goto(url);
  await page.waitForFunction(() => globalThis.run && globalThis.io);
  let end;
  const client = (args) => {
    end = page.evaluate((list) => globalThis.run(list), args).then(() => 0, (error) => error.message);
    return {
      next: async () => {
        while (lines.length === 0) await new Promise((resolve) => (arrived = resolve));
        return lines.shift();
      },
      go,
      end: () => end,
      problem: () => page.problems.join("\n"),
      stop: () => {},
    };
  };
  return { page, client };
}

for (const way of WAYS) {
  test(`by ${way}, a page of the server's own signs in and chats`, async () => {
    const { page, client } = await browse(server.url);
    await converse(server, client, way);
    await close(page);
  });

  test(`by ${way}, a page of an allowed origin chats with its token`, async () => {
    const { page, client } = await browse(origin);
    await converse(server, client, way, { token: server.bob.token });
    await close(page);
  });
}

test("a page of any other origin cannot poll", async () => {
  const other = await bed({ args: ["--web-root", folder] });
  const page = await newPage(state);
  await page.goto(origin);
  await page.waitForFunction(() => globalThis.io);
  const [name, message] = await page.evaluate(
    ([url, token]) =>
      new Promise((resolve) => {
        const socket = globalThis.io(url, { transports: ["polling"], auth: { token }, reconnection: false });
        socket.on("connect", () => resolve(["connect"]));
        socket.on("connect_error", (error) => resolve(["connect_error", error.message]));
      }),
    [other.url, other.bob.token],
  );
  assert.deepEqual([name, message], ["connect_error", "xhr poll error"]);
  await page.context().close(); // the browser has complained of CORS, as it should
  await other.stop();
});
