// Every rule that the published document of Socket.IO 5 has for a server, in its order, each a test named after it.
// docs/socketio-rules.md lists them; what the chat makes of them is in socketio.test.mjs.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { Socket, open, poll, post, refusal } from "../lib/engineio.mjs";
import { start } from "../lib/parleyd.mjs";
import { login, must, people } from "../lib/people.mjs";

const PATH = "/socket.io/";
const SEPARATOR = "\x1e";
const BYTES = Buffer.from([1, 2, 3, 4]);
const PLACE = (num) => `{"_placeholder":true,"num":${num}}`;

let server, url;
before(async () => {
  server = await start({
    program: [process.env.CONFORMANCE_APPLICATION],
    args: ["--workers", "2"],
    env: { PING_INTERVAL_MS: "25000", PING_TIMEOUT_MS: "20000", CONNECT_TIMEOUT_MS: "60000" },
  });
  ({ url } = server);
});
after(() => server.stop());

/** A WebSocket without a connection to a namespace. */
async function bare(at = url) {
  const socket = new Socket(at, { path: PATH });
  socket.handshake = JSON.parse((await socket.next()).slice(1));
  return socket;
}

/** One that is connected to NSP, and has read the event that the application greets with. */
async function connected(nsp = "") {
  const socket = await bare();
  await join(socket, nsp);
  return socket;
}
async function join(socket, nsp) {
  const head = nsp && `${nsp},`;
  socket.send(`40${head}`);
  assert.ok((await socket.next()).startsWith(`40${head}{"sid":"`));
  assert.equal(await socket.next(), `42${head}["auth",{}]`);
}

const SIGN_OF_LIFE = ['421["message-with-ack","still here"]', '431["still here"]'];
async function assertAlive(socket) {
  socket.send(SIGN_OF_LIFE[0]);
  assert.equal(await socket.next(), SIGN_OF_LIFE[1]);
}

async function assertEnds(socket, what) {
  assert.equal(await socket.end(), 4003, what);
  assert.deepEqual(socket.packets, [], what);
}

describe("Connection to a namespace", () => {
  test("CONNECT is answered with CONNECT and a sid, which is not that of Engine.IO", async () => {
    const socket = await bare();
    socket.send("40");
    const packet = await socket.next();
    assert.match(packet, /^40\{/);
    const { sid, ...rest } = JSON.parse(packet.slice(2));
    assert.equal(typeof sid, "string");
    assert.notEqual(sid, socket.handshake.sid);
    assert.deepEqual(rest, {});
    socket.close();
  });

  test("CONNECT that is not allowed is answered with CONNECT_ERROR, an object with a message", async () => {
    const socket = await bare();
    socket.send("40/nowhere,");
    const packet = await socket.next();
    assert.match(packet, /^44\/nowhere,\{/);
    assert.equal(typeof JSON.parse(packet.slice("44/nowhere,".length)).message, "string");
    await join(socket, ""); // it may connect elsewhere
    socket.close();
  });

  test("whose first packet is not CONNECT is closed at once", async () => {
    for (const packet of ['42["message"]', '421["message-with-ack"]', "41", "431[]", '451-["message",{"_placeholder":true,"num":0}]', "4abc"]) {
      const socket = await bare();
      socket.send(packet);
      if (packet.startsWith("451-")) socket.send(BYTES);
      await assertEnds(socket, packet);
    }
    const { sid } = await open(url, PATH);
    assert.equal((await post(url, sid, '42["message"]', { path: PATH })).status, 400);
    assert.deepEqual(refusal(await poll(url, { path: PATH, sid })), { status: 400, code: 1 });
  });

  test("a client may be connected to several namespaces at a time by one connection", async () => {
    const socket = await connected();
    await join(socket, "/custom");
    socket.send('42/custom,["message","a"]');
    socket.send('42["message","b"]');
    assert.equal(await socket.next(), '42/custom,["message-back","a"]');
    assert.equal(await socket.next(), '42["message-back","b"]');
    socket.close();
  });

  test("nobody is connected to the main namespace without asking", async () => {
    const socket = await connected("/custom");
    socket.send('42["message","x"]');
    await assertEnds(socket);
  });

  test("CONNECT may carry an object, which the application gets", async () => {
    for (const nsp of ["", "/custom,"]) {
      const socket = await bare();
      socket.send(`40${nsp}{"token":"123"}`);
      await socket.next();
      assert.equal(await socket.next(), `42${nsp}["auth",{"token":"123"}]`);
      socket.close();
    }
    for (const payload of ['"123"', "[1]", "5", "null", "{"]) {
      const socket = await bare();
      socket.send(`40${payload}`);
      await assertEnds(socket, payload);
    }
  });
});

describe("Sending and receiving data", () => {
  test("once connected, both sides send events", async () => {
    const socket = await connected();
    socket.send('42["message","foo",1,null,{"a":[true]}]');
    assert.equal(await socket.next(), '42["message-back","foo",1,null,{"a":[true]}]');
    socket.close();
  });

  test("the payload of an event is an array that is not empty, or the connection is closed", async () => {
    for (const packet of ["42", "42{}", "42[]", '42"message"', "421", "421[]", "42null"]) {
      const socket = await connected();
      socket.send(packet);
      await assertEnds(socket, packet);
    }
  });

  test("an event of a custom namespace stays in it", async () => {
    const socket = await connected("/custom");
    socket.send('42/custom,["message","bar"]');
    assert.equal(await socket.next(), '42/custom,["message-back","bar"]');
    socket.close();
  });

  test("a binary event brings its attachments, each after it, in order", async () => {
    const socket = await connected();
    socket.send(`452-["message",${PLACE(0)},{"deep":[${PLACE(1)}]}]`);
    socket.send(BYTES);
    socket.send(Buffer.from([5]));
    assert.equal(await socket.next(), `452-["message-back",${PLACE(0)},{"deep":[${PLACE(1)}]}]`);
    assert.deepEqual([await socket.next(), await socket.next()], [BYTES, Buffer.from([5])]);
    socket.close();
  });
});

describe("Acknowledgement", () => {
  test("an event with an id is answered with ACK and the same id", async () => {
    const socket = await connected();
    for (const id of [0, 12, 13, 999999999]) {
      socket.send(`42${id}["message-with-ack","bar"]`);
      assert.equal(await socket.next(), `43${id}["bar"]`);
    }
    socket.close();
  });

  test("an event without an id is not answered", async () => {
    const socket = await connected();
    socket.send('42["message-with-ack","x"]');
    await assertAlive(socket);
    socket.close();
  });

  test("the payload of ACK is an array, which may be empty, or the connection is closed", async () => {
    const socket = await connected();
    socket.send('4212["message-with-ack"]');
    assert.equal(await socket.next(), "4312[]");
    socket.send('42["ask"]');
    const asked = await socket.next();
    const id = /^42(\d+)\["question"\]$/.exec(asked)[1];
    socket.send(`43${id}[]`);
    assert.equal(await socket.next(), '42["answered"]');
    for (const payload of ["", "{}", '"x"', "null"]) {
      const bad = await connected();
      bad.send('42["ask"]');
      await bad.next();
      bad.send(`43${id}${payload}`);
      await assertEnds(bad, payload);
    }
    socket.close();
  });

  test("the server may ask for one too, in every namespace", async () => {
    for (const nsp of ["", "/custom"]) {
      const head = nsp && `${nsp},`;
      const socket = await connected(nsp);
      for (let i = 0; i < 2; i++) {
        socket.send(`42${head}["ask","foo"]`);
        const asked = await socket.next();
        assert.ok(asked.startsWith(`42${head}`) && asked.endsWith('["question","foo"]'), asked);
        const id = asked.slice(`42${head}`.length, -'["question","foo"]'.length);
        socket.send(`43${head}${id}["bar"]`);
        assert.equal(await socket.next(), `42${head}["answered","bar"]`);
      }
      socket.close();
    }
  });

  test("an event and its ack may be binary, each or both", async () => {
    const socket = await connected();
    socket.send(`451-14["message-with-ack",${PLACE(0)}]`);
    socket.send(BYTES);
    assert.equal(await socket.next(), `461-14[${PLACE(0)}]`);
    assert.deepEqual(await socket.next(), BYTES);
    socket.send('42["ask"]');
    const id = /^42(\d+)/.exec(await socket.next())[1];
    socket.send(`461-${id}["bar",${PLACE(0)}]`);
    socket.send(BYTES);
    assert.equal(await socket.next(), `451-["answered","bar",${PLACE(0)}]`);
    assert.deepEqual(await socket.next(), BYTES);
    socket.send(`451-["ask",${PLACE(0)}]`);
    socket.send(BYTES);
    const asked = await socket.next();
    assert.match(asked, /^451-\d+\["question",/);
    assert.deepEqual(await socket.next(), BYTES);
    socket.send(`43${/-(\d+)/.exec(asked)[1]}["text"]`);
    assert.equal(await socket.next(), '42["answered","text"]');
    socket.close();
  });
});

describe("Disconnection from a namespace", () => {
  test("DISCONNECT of the client is not answered, and its other namespaces go on", async () => {
    const socket = await connected("/custom");
    await join(socket, "");
    socket.send("41/custom,");
    await assertAlive(socket);
    socket.send('42/custom,["message"]');
    await assertEnds(socket);
  });

  test("the client may connect to it again", async () => {
    const socket = await connected("/custom");
    socket.send("41/custom,");
    await join(socket, "/custom");
    socket.close();
  });

  test("the server may disconnect at any time too", async () => {
    const parley = await start();
    const { ann } = await people(parley.url, "ann");
    const other = await login(parley.url, "ann");
    const socket = await bare(parley.url);
    socket.send(`40${JSON.stringify({ token: other.token })}`);
    assert.match(await socket.next(), /^40\{"sid"/);
    await must(parley.url, "auth.revoke", { session: other.session }, ann.token);
    let packet;
    do packet = await socket.next();
    while (packet !== "41");
    assert.equal(await socket.end(), 4002);
    await parley.stop();
  });
});

describe("Packet encoding", () => {
  test("each packet is a message packet of Engine.IO, by long-polling as by WebSocket", async () => {
    const { sid } = await open(url, PATH);
    await post(url, sid, "40", { path: PATH });
    const [first, second] = (await poll(url, { path: PATH, sid })).text.split(SEPARATOR);
    assert.match(first, /^40\{"sid":"/);
    assert.equal(second, '42["auth",{}]');
    await post(url, sid, `42["message","hello"]${SEPARATOR}42["message","world"]`, { path: PATH });
    assert.equal((await poll(url, { path: PATH, sid })).text, `42["message-back","hello"]${SEPARATOR}42["message-back","world"]`);
  });

  test("by long-polling attachments are packets of their own in the payload", async () => {
    const { sid } = await open(url, PATH);
    await post(url, sid, "40", { path: PATH });
    await poll(url, { path: PATH, sid });
    await post(url, sid, `452-["message",${PLACE(1)},${PLACE(0)}]${SEPARATOR}bAQIDBA==${SEPARATOR}bBQ==`, { path: PATH });
    const echo = `452-["message-back",${PLACE(1)},${PLACE(0)}]${SEPARATOR}bAQIDBA==${SEPARATOR}bBQ==`;
    assert.equal((await poll(url, { path: PATH, sid })).text, echo);
  });

  test("type, number of attachments, namespace, id, payload: in this order, in both directions", async () => {
    const socket = await connected("/custom");
    await join(socket, "");
    for (const [sent, answer, attachments] of [
      ['42["message"]', '42["message-back"]', 0],
      ['42/custom,["message"]', '42/custom,["message-back"]', 0],
      ['427["message-with-ack"]', "437[]", 0],
      ['42/custom,7["message-with-ack"]', "43/custom,7[]", 0],
      [`451-["message",${PLACE(0)}]`, `451-["message-back",${PLACE(0)}]`, 1],
      [`451-/custom,["message",${PLACE(0)}]`, `451-/custom,["message-back",${PLACE(0)}]`, 1],
      [`452-/custom,8["message-with-ack",${PLACE(0)},${PLACE(1)}]`, `462-/custom,8[${PLACE(0)},${PLACE(1)}]`, 2],
    ]) {
      socket.send(sent);
      for (let i = 0; i < attachments; i++) socket.send(BYTES);
      assert.equal(await socket.next(), answer);
      for (let i = 0; i < attachments; i++) assert.deepEqual(await socket.next(), BYTES);
    }
    socket.close();
  });

  test("the main namespace is left out", async () => {
    const socket = await connected();
    socket.send('42["message"]');
    assert.equal(await socket.next(), '42["message-back"]');
    socket.close();
  });

  test("what does not fit the format closes the connection", async () => {
    for (const packets of [
      ["4"],
      ["48"],
      ['42["message"'],
      ['42["message"]x'],
      ['42x["message"]'],
      ['42-1["message"]'],
      ['45["message"]'],
      ['45x-["message"]'],
      ['451["message"]'],
      ['450-["message"]'],
      ['451-["message"]', BYTES],
      [`452-["message",${PLACE(0)}]`, BYTES, BYTES],
      [`451-["message",${PLACE(1)}]`, BYTES],
      [`451-["message",${PLACE(-1)}]`, BYTES],
      [`451-["message",${PLACE(0)}]`, '42["message"]'],
      [BYTES],
      ["43[]"],
      ['44{"message":"only the server says so"}'],
      ["41[]"],
    ]) {
      const socket = await connected();
      packets.forEach((packet) => socket.send(packet));
      await assertEnds(socket, String(packets[0]));
    }
  });
});

describe("Sample session", () => {
  test("the session of the document, from long-polling through the upgrade to its end", async () => {
    const { sid } = await open(url, PATH);
    assert.equal((await post(url, sid, "40", { path: PATH })).text, "ok");
    assert.match((await poll(url, { path: PATH, sid })).text, /^40\{"sid":"[^"]+"\}/);
    assert.equal((await post(url, sid, `42["message","hello"]${SEPARATOR}42["message","world"]`, { path: PATH })).text, "ok");
    assert.equal((await poll(url, { path: PATH, sid })).text, `42["message-back","hello"]${SEPARATOR}42["message-back","world"]`);
    const socket = new Socket(url, { path: PATH, sid });
    assert.equal(await socket.status, 101);
    socket.send("2probe");
    assert.equal(await socket.next(), "3probe");
    socket.send("5");
    socket.send('42["message","hello"]');
    assert.equal(await socket.next(), '42["message-back","hello"]');
    await join(socket, "/custom");
    socket.send(`451-/custom,1["message-with-ack",${PLACE(0)}]`);
    socket.send(BYTES);
    assert.equal(await socket.next(), `461-/custom,1[${PLACE(0)}]`);
    assert.deepEqual(await socket.next(), BYTES);
    socket.send("1");
    await socket.end();
    assert.deepEqual(refusal(await poll(url, { path: PATH, sid })), { status: 400, code: 1 });
  });
});

describe("docs/socketio-rules.md", () => {
  test("lists every rule that is tested, in its order, and no other", () => {
    const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");
    const tested = ["engineio-rules.test.mjs", "socketio-rules.test.mjs"].flatMap((file) => {
      let section;
      const rules = [];
      for (const [, word, title] of read(file).matchAll(/^ *(describe|test)\("(.+?)", (?:async )?\(/gm)) {
        if (word === "describe") section = title;
        else if (!section.startsWith("docs/")) rules.push([section, title]);
      }
      return rules;
    });
    const listed = [...read("../../docs/socketio-rules.md").matchAll(/^\| (.+?) \| (.+?) \|$/gm)].map(([, section, rule]) => [section, rule]);
    assert.ok(tested.length > 50);
    assert.deepEqual(listed.filter(([section]) => !["section", "---"].includes(section)), tested);
  });
});
