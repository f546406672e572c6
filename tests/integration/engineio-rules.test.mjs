// Every rule that the published document of Engine.IO 4 has for a server, in its order, each a test named after it.
// docs/socketio-rules.md lists them; what else Parley's transport promises is in engineio.test.mjs.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Socket, open, poll, post, refusal } from "../lib/engineio.mjs";
import { start } from "../lib/parleyd.mjs";
import { Raw } from "../lib/raw.mjs";

const serve = (env = {}) =>
  start({
    program: [process.env.CONFORMANCE_APPLICATION],
    args: ["--workers", "2"],
    env: { PING_INTERVAL_MS: "25000", PING_TIMEOUT_MS: "20000", CONNECT_TIMEOUT_MS: "60000", PARLEY_HANDSHAKE_TIMEOUT_MS: "600000", ...env },
  });
const SEPARATOR = "\x1e";
const BAD = (code) => ({ status: 400, code });
const UNKNOWN_SID = BAD(1);

let server, url;
before(async () => {
  server = await serve();
  ({ url } = server);
});
after(() => server.stop());

/** A WebSocket whose handshake has been read: { socket, handshake }. */
async function openSocket(options) {
  const socket = new Socket(url, options);
  return { socket, handshake: JSON.parse((await socket.next()).slice(1)) };
}

/** A WebSocket that is about to take over the session SID. */
async function probe(sid) {
  const socket = new Socket(url, { sid });
  assert.equal(await socket.status, 101);
  socket.send("2probe");
  assert.equal(await socket.next(), "3probe");
  return socket;
}

const pollingHead = (method, sid, more = "") =>
  `${method} /engine.io/?EIO=4&transport=polling&sid=${sid} HTTP/1.1\r\nHost: ${new URL(url).host}\r\n${more}\r\n`;

/** A POST whose body stays away: the session knows of it as soon as the server has read its head. */
function slowPost(sid) {
  const slow = new Raw(url);
  slow.write(`${pollingHead("POST", sid, "Content-Length: 5\r\n")}4s`);
  return slow;
}

describe("HTTP long-polling", () => {
  test("requests go to /engine.io/, and to another path for a protocol on top of it", async () => {
    assert.equal((await poll(url)).text[0], "0");
    assert.equal((await poll(url, { path: "/socket.io/" })).text[0], "0");
  });

  test("a request without the version, the transport, or the sid of its session gets 400", async () => {
    assert.deepEqual(refusal(await poll(url, { query: { EIO: "" } })), BAD(5));
    assert.deepEqual(refusal(await poll(url, { query: { transport: "" } })), BAD(0));
    await open(url);
    assert.deepEqual(refusal(await poll(url, { method: "POST", body: "4x" })), BAD(2));
  });

  test("a body without a Content-Type is plain text", async () => {
    const { sid } = await open(url);
    const request = new Raw(url);
    request.write(`${pollingHead("POST", sid, "Content-Length: 6\r\nConnection: close\r\n")}4ünï`);
    await request.until("the answer", () => request.data.includes("ok"));
    assert.equal((await poll(url, { sid })).text, "4ünï");
    request.destroy();
  });

  test("a payload is text/plain in UTF-8, also when it has binary", async () => {
    const { sid } = await open(url);
    await post(url, sid, `4€${SEPARATOR}bAQIDBA==`);
    const { headers, text } = await poll(url, { sid });
    assert.match(headers.get("content-type"), /^text\/plain; charset=utf-8$/i);
    assert.equal(text, `4€${SEPARATOR}bAQIDBA==`);
  });

  test("a POST brings packets, and gets 200 and ok", async () => {
    const { sid } = await open(url);
    const { status, text } = await post(url, sid, "4hello");
    assert.deepEqual([status, text], [200, "ok"]);
    assert.equal((await poll(url, { sid })).text, "4hello");
  });

  test("a POST of a session that is not known gets 400", async () => {
    assert.deepEqual(refusal(await post(url, "nobody", "4x")), UNKNOWN_SID);
  });

  test("a second POST at a time gets 400 and ends the session", async () => {
    const { sid } = await open(url);
    const slow = slowPost(sid);
    let answer;
    do answer = await post(url, sid, "6"); // before the head of the first is read, it is the only one
    while (answer.status === 200);
    assert.equal(answer.status, 400);
    slow.write("low"); // nor is the first taken any more
    await slow.until("its answer", () => slow.status !== 0);
    assert.equal(slow.status, 400);
    assert.deepEqual(refusal(await poll(url, { sid })), UNKNOWN_SID);
    slow.destroy();
  });

  test("a GET gets packets that are there at once, encoded in one payload", async () => {
    const { sid } = await open(url);
    await post(url, sid, `4one${SEPARATOR}4two`);
    assert.equal((await poll(url, { sid })).text, `4one${SEPARATOR}4two`);
  });

  test("a GET waits while there are none, and gets the next", async () => {
    const { sid } = await open(url);
    let answered = false;
    const waiting = poll(url, { sid }).then((answer) => {
      answered = true;
      return answer;
    });
    await open(url); // others are served meanwhile
    assert.equal(answered, false);
    await post(url, sid, "4late");
    assert.equal((await waiting).text, "4late");
  });

  test("a GET of a session that is not known gets 400", async () => {
    assert.deepEqual(refusal(await poll(url, { sid: "nobody" })), UNKNOWN_SID);
  });

  test("a second GET at a time gets 400 and ends the session", async () => {
    const { sid } = await open(url);
    const answers = await Promise.all([poll(url, { sid }), poll(url, { sid })]);
    assert.deepEqual(answers.map((a) => a.status).sort(), [200, 400]);
    assert.deepEqual(refusal(answers.find((a) => a.status === 400)), BAD(3));
    assert.deepEqual(refusal(await poll(url, { sid })), UNKNOWN_SID);
  });
});

describe("WebSocket", () => {
  test("a connection without the version or the transport is refused", async () => {
    for (const query of [{ EIO: "" }, { transport: "" }]) assert.equal(await new Socket(url, { query }).status, 400);
  });

  test("the sid is only needed to upgrade a session", async () => {
    const { socket, handshake } = await openSocket();
    assert.equal(typeof handshake.sid, "string");
    socket.close();
    const upgraded = await probe((await open(url)).sid);
    upgraded.close();
  });

  test("each packet is a frame of its own, in both directions", async () => {
    const { socket } = await openSocket();
    socket.send("4one");
    socket.send(`4two${SEPARATOR}4three`); // one packet: the separator is data here
    assert.equal(await socket.next(), "4one");
    assert.equal(await socket.next(), `4two${SEPARATOR}4three`);
    socket.close();
  });

  test("a second WebSocket of a session is closed", async () => {
    const { socket, handshake } = await openSocket();
    const second = new Socket(url, { sid: handshake.sid });
    if ((await second.status) === 101) assert.equal(await second.end(), 4003);
    socket.send("4still here");
    assert.equal(await socket.next(), "4still here");
    socket.close();
  });
});

describe("WebTransport", () => {
  test("it is not offered, and asking for it is refused", async () => {
    assert.deepEqual((await open(url)).upgrades, ["websocket"]);
    assert.deepEqual(refusal(await poll(url, { query: { transport: "webtransport" } })), BAD(0));
  });
});

describe("Packets", () => {
  test("a packet has a type and may have data; open, ping and upgrade are not a client's to send as it likes", async () => {
    for (const [packet, ends] of [["0", true], ["1", true], ["2", true], ["3", false], ["4", false], ["5", true], ["6", false], ["7", true], ["x", true]]) {
      const { socket } = await openSocket();
      socket.send(packet);
      socket.send("4after");
      if (ends) {
        await socket.end();
        assert.deepEqual(socket.packets, [], packet);
      } else {
        if (packet === "4") assert.equal(await socket.next(), "4");
        assert.equal(await socket.next(), "4after", packet);
        socket.close();
      }
    }
  });
});

describe("Handshake", () => {
  const assertHandshake = ({ sid, upgrades, pingInterval, pingTimeout, maxPayload, ...rest }, ways) => {
    assert.match(sid, /^[\w-]+$/);
    assert.deepEqual(upgrades, ways);
    assert.deepEqual([pingInterval, pingTimeout, maxPayload], [25000, 20000, 1000000]);
    assert.deepEqual(rest, {});
  };

  test("a GET is answered with an open packet: sid, upgrades, pingInterval, pingTimeout, maxPayload", async () => {
    const { status, text } = await poll(url);
    assert.deepEqual([status, text[0]], [200, "0"]);
    assertHandshake(JSON.parse(text.slice(1)), ["websocket"]);
  });

  test("a WebSocket gets an open packet first, without upgrades", async () => {
    const socket = new Socket(url);
    assert.equal(await socket.status, 101);
    const packet = await socket.next();
    assert.equal(packet[0], "0");
    assertHandshake(JSON.parse(packet.slice(1)), []);
    socket.close();
  });

  test("requests that give the sid belong to that session", async () => {
    const [a, b] = [await open(url), await open(url)];
    assert.notEqual(a.sid, b.sid);
    await post(url, a.sid, "4for a");
    await post(url, b.sid, "4for b");
    assert.equal((await poll(url, { sid: b.sid })).text, "4for b");
    assert.equal((await poll(url, { sid: a.sid })).text, "4for a");
  });
});

describe("Heartbeat", () => {
  test("the server pings at the interval of the handshake, again after each pong", async () => {
    const own = await serve({ PING_INTERVAL_MS: "200", PING_TIMEOUT_MS: "60000" });
    const { sid, pingInterval } = await open(own.url);
    const socket = new Socket(own.url);
    await socket.next();
    let last = performance.now();
    for (let i = 0; i < 3; i++) {
      const [polled, packet] = await Promise.all([poll(own.url, { sid }), socket.next()]);
      assert.deepEqual([polled.text, packet], ["2", "2"]);
      // Timers of two clocks: what must not be is a ping at once.
      if (i > 0) assert.ok(performance.now() - last >= pingInterval / 2);
      last = performance.now();
      socket.send("3");
      await post(own.url, sid, "3");
    }
    socket.close();
    await own.stop();
  });

  test("a client whose pong does not come within pingTimeout is taken for gone", async () => {
    const own = await serve({ PING_INTERVAL_MS: "100", PING_TIMEOUT_MS: "100" });
    const { sid } = await open(own.url);
    const socket = new Socket(own.url);
    await socket.next();
    assert.equal(await socket.next(), "2");
    await socket.end();
    let answer;
    do answer = await poll(own.url, { sid });
    while (answer.status === 200);
    assert.deepEqual(refusal(answer), UNKNOWN_SID);
    await own.stop();
  });

  test("pings are the server's: a client that sends one has version 3 in mind, and is ended", async () => {
    const { socket } = await openSocket();
    socket.send("2");
    assert.equal(await socket.end(), 4003);
    const { sid } = await open(url);
    assert.deepEqual(refusal(await post(url, sid, "2")), BAD(3));
    assert.deepEqual(refusal(await poll(url, { query: { EIO: "3" } })), BAD(5));
  });
});

describe("Upgrade", () => {
  test("the ping packet with probe gets a pong packet with probe", async () => {
    const socket = await probe((await open(url)).sid);
    socket.close();
  });

  test("a GET that waits gets a noop packet", async () => {
    const { sid } = await open(url);
    const waiting = poll(url, { sid });
    const socket = await probe(sid);
    assert.equal((await waiting).text, "6");
    socket.close();
  });

  test("the upgrade packet completes it: from then on all goes by WebSocket", async () => {
    const { sid } = await open(url);
    const socket = await probe(sid);
    socket.send("5");
    socket.send("4hello");
    assert.equal(await socket.next(), "4hello");
    assert.deepEqual(refusal(await poll(url, { sid })), BAD(3));
    socket.close();
  });

  test("until then the session goes on by long-polling", async () => {
    const { sid } = await open(url);
    const socket = await probe(sid);
    socket.close();
    await socket.end();
    let answer;
    do answer = await poll(url, { sid, method: "POST", body: "4polled" });
    while (answer.status !== 200);
    do answer = await poll(url, { sid });
    while (answer.text === "6"); // the end of the WebSocket may not have been noticed yet
    assert.equal(answer.text, "4polled");
  });

  test("no packet is lost on the way, and they stay in order", async () => {
    const { sid } = await open(url);
    await post(url, sid, `4a${SEPARATOR}4b`);
    const socket = await probe(sid);
    await post(url, sid, "4c");
    socket.send("5");
    socket.send("4d");
    const got = [];
    while (got.length < 4) got.push(await socket.next());
    assert.deepEqual(got, ["4a", "4b", "4c", "4d"]);
    socket.close();
  });
});

describe("Message", () => {
  test("after the handshake both sides send messages at any time", async () => {
    const { socket } = await openSocket();
    for (const text of ["4", "4x", `4${"long ".repeat(1000)}`]) {
      socket.send(text);
      assert.equal(await socket.next(), text);
    }
    socket.close();
  });
});

describe("Packet encoding", () => {
  test("long-polling: packets are parted by the record separator", async () => {
    const { sid } = await open(url);
    const packets = ["4hello", "6", "4world", "3", "4"];
    await post(url, sid, packets.join(SEPARATOR));
    assert.equal((await poll(url, { sid })).text, ["4hello", "4world", "4"].join(SEPARATOR));
  });

  test("long-polling: binary is base64 after a b, without a type", async () => {
    const { sid } = await open(url);
    const data = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    await post(url, sid, `b${data.toString("base64")}`);
    assert.equal((await poll(url, { sid })).text, `b${data.toString("base64")}`);
  });

  test("text is UTF-8, and what is not ends the session", async () => {
    const { sid } = await open(url);
    await post(url, sid, "4Grüße, 世界 \u{1f44b}");
    assert.equal((await poll(url, { sid })).text, "4Grüße, 世界 \u{1f44b}");
    assert.deepEqual(refusal(await post(url, sid, Buffer.from([0x34, 0xc3]))), BAD(3));
  });

  test("a client that keeps to maxPayload is taken, a larger body gets 413", async () => {
    const { sid, maxPayload } = await open(url);
    const body = `4${"x".repeat(maxPayload - 1)}`;
    assert.equal((await post(url, sid, body)).text, "ok");
    assert.equal((await poll(url, { sid })).text, body);
    const over = new Raw(url);
    over.write(pollingHead("POST", sid, `Content-Length: ${maxPayload + 1}\r\n`));
    await over.until("the answer", () => over.status !== 0);
    assert.equal(over.status, 413);
    over.destroy();
  });

  test("WebSocket: a packet is its type and its data, binary is sent as it is", async () => {
    const { socket } = await openSocket();
    socket.send("4hello");
    assert.equal(await socket.next(), "4hello");
    const data = Buffer.from([0, 1, 0x1e, 0x34, 0xff]);
    socket.send(data);
    assert.deepEqual(await socket.next(), data);
    socket.send(Buffer.alloc(0));
    assert.deepEqual(await socket.next(), Buffer.alloc(0));
    socket.close();
  });
});
