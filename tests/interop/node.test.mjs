// socket.io-client in Node: 4.x and 3.x as they are, and what becomes of a 2.x.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { io } from "socket.io-client";
import { start, within } from "../lib/parleyd.mjs";
import { must } from "../lib/people.mjs";
import { WAYS, bed, converse, program } from "./conversation.mjs";

const require = createRequire(import.meta.url);
const CLIENT = fileURLToPath(new URL("client.mjs", import.meta.url));
const WAIT_MS = 30_000;
const once = (emitter, name) => within(WAIT_MS, name, new Promise((resolve) => emitter.once(name, resolve)));

let server;
before(async () => (server = await bed()));
after(() => server.stop());

for (const name of ["socket.io-client", "socket.io-client-3"]) {
  const { version } = require(`${name}/package.json`);
  for (const way of WAYS) {
    test(`socket.io-client ${version} chats by ${way}`, async () => {
      await converse(server, program([process.execPath, CLIENT, name]), way);
    });
  }
}

describe("socket.io-client 2.x", () => {
  const old = require("socket.io-client-2");

  for (const way of ["websocket", "polling"]) {
    test(`is refused by ${way}, and others do not notice`, async () => {
      const witness = io(server.url, { auth: { token: server.bob.token }, forceNew: true, reconnection: false });
      await once(witness, "session.started");
      const socket = old(server.url, { transports: [way], forceNew: true, reconnection: false });
      socket.on("connect", () => assert.fail("a 2.x client has connected"));
      const error = await once(socket, "connect_error");
      assert.match(error.message, way === "polling" ? /xhr poll error/ : /websocket error/);
      socket.close();
      const { result } = await within(WAIT_MS, "the ack", witness.emitWithAck("server.info", {}));
      assert.equal(result.name, "parley");
      witness.disconnect();
    });
  }

  test("is told why", async () => {
    const answer = await fetch(`${server.url}/socket.io/?EIO=3&transport=polling`);
    assert.equal(answer.status, 400);
    const { code, message } = await answer.json();
    assert.equal(code, 5);
    assert.match(message, /use a Socket\.IO client 3\.x or 4\.x/);
  });
});

for (const way of WAYS) {
  test(`by ${way}, a client whose server was killed comes back by itself and has missed nothing`, async () => {
    let own = await bed();
    const { ann, bob, url, dataDir } = own;
    const { channel } = await must(url, "channel.create", { name: "plans" }, ann.token);
    await must(url, "channel.join", { channel: channel.id }, bob.token);
    const say = (text) => must(url, "message.send", { channel: channel.id, text }, ann.token);

    const streams = {};
    const texts = [];
    const socket = io(url, {
      transports: way.split(","),
      auth: (give) => give({ token: bob.token, streams }),
      forceNew: true,
      reconnectionDelay: 50,
      reconnectionDelayMax: 200,
    });
    let arrived = () => {};
    socket.on("message.created", ({ stream, epoch, seq, message }) => {
      streams[stream] = { epoch, seq };
      texts.push(message.text);
      arrived();
    });
    const until = (n) => within(WAIT_MS, `${n} messages`, new Promise((resolve) => {
      arrived = () => texts.length >= n && resolve();
      arrived();
    }));
    await once(socket, "session.started");
    await say("before");
    await until(1);

    const lost = once(socket, "disconnect");
    await own.kill();
    await lost;
    own = await start({ args: ["--rate-limits", "off"], dataDir, listen: new URL(url).host });
    for (let i = 0; i < 5; i++) await say(`after ${i}`);
    await until(6);
    assert.deepEqual(texts, ["before", "after 0", "after 1", "after 2", "after 3", "after 4"]);
    socket.disconnect();
    await own.stop();
  });
}
