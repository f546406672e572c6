// One chat over two nodes, two browsers behind what a load balancer does: whoever loses their node goes on at the other one.

import { once } from "node:events";
import { createConnection, createServer } from "node:net";
import { after, before, test } from "node:test";
import { database } from "../lib/mongo.mjs";
import { startRedis } from "../lib/redis.mjs";
import * as t from "./helpers.mjs";

const chromium = t.useBrowser();
let redis;
let db;
let nodes;
const balancers = [];

before(async () => {
  redis = await startRedis();
  db = await database();
  const args = (name) => ["--bus", redis.uri, "--store", db.uri, "--node-name", name];
  nodes = [await t.startServer({ args: args("one") }), await t.startServer({ args: args("two") })];
});
after(async () => {
  for (const balancer of balancers) await balancer.close();
  for (const node of nodes ?? []) await node.stop();
  await redis?.stop();
  await db?.drop();
});

/** Takes each connection to the first of these nodes that answers; none answers: it is reset. */
async function balance(...order) {
  const links = new Set();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    links.add(client);
    client.on("error", () => undefined).on("close", () => links.delete(client));
    const attempt = ([first, ...rest]) => {
      if (!first) return client.resetAndDestroy();
      const { hostname, port } = new URL(first.url);
      const upstream = createConnection({ host: hostname, port, allowHalfOpen: true });
      let connected = false;
      upstream.on("connect", () => {
        connected = true;
        client.pipe(upstream).pipe(client);
        client.on("close", () => upstream.destroy());
      });
      upstream.on("error", () => undefined).on("close", () => (connected ? client.destroy() : attempt(rest)));
    };
    attempt(order);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const balancer = {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      for (const link of links) link.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
  balancers.push(balancer);
  return balancer;
}

async function online(page) {
  const now = page.getByRole("button", { name: "Try now" });
  if (await now.isVisible()) await now.click().catch(() => undefined);
  await page.locator(".bar").waitFor({ state: "detached" });
}

test("when either node is killed its users go on at the other and miss nothing", async () => {
  const [one, two] = nodes;
  const ann = await t.register(one, "ann", "Ann");
  const ben = await t.register(two, "ben", "Ben");
  const { channel } = await t.ok(one, ann, "channel.create", { name: "both" });
  await t.ok(two, ben, "channel.join", { channel: channel.id });
  const a = await t.open(chromium, await balance(one, two), ann);
  const b = await t.open(chromium, await balance(two, one), ben);
  await t.openChannel(a, "both");
  await t.openChannel(b, "both");

  const wanted = [];
  const say = async (page, text) => {
    wanted.push(text);
    await t.write(page, text);
    for (const each of [a, b]) await t.hasTexts(each, wanted);
  };
  await say(a, "from one node");
  await say(b, "from the other");

  await one.kill();
  wanted.push("said while Ann was nowhere");
  await t.write(b, wanted.at(-1));
  await t.hasTexts(b, wanted);
  await online(a);
  await t.hasTexts(a, wanted);
  await say(a, "Ann goes on at the other");

  await one.restart();
  await two.kill();
  await Promise.all([online(a), online(b)]);
  for (const each of [a, b]) await t.hasTexts(each, wanted);
  await say(b, "and so does Ben");
  await say(a, "with Ann");
  await t.screenshot(b, "cluster");
  await t.close(a, b);
  await two.restart();
});
