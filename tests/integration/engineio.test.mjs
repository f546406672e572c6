// The rules of Engine.IO 4, one by one, by hand; against an application that sends back what it gets
// (tests/conformance/application.c), on one worker, and on several, where a session's requests come to any of them.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Socket, open, poll, post, refusal } from "../lib/engineio.mjs";
import { start, within } from "../lib/parleyd.mjs";
import { raw } from "../lib/raw_http.mjs";
import { Raw } from "../lib/raw.mjs";

const program = [process.env.CONFORMANCE_APPLICATION];
const serve = (workers, env = {}) =>
  start({
    program,
    args: ["--workers", String(workers)],
    env: {
      PING_INTERVAL_MS: "25000",
      PING_TIMEOUT_MS: "20000",
      CONNECT_TIMEOUT_MS: "60000",
      PARLEY_HANDSHAKE_TIMEOUT_MS: "600000",
      ...env,
    },
  });
const SEPARATOR = "\x1e";

for (const workers of [1, 4]) {
  describe(`Engine.IO with ${workers} worker(s)`, () => {
    let url, server;
    before(async () => {
      server = await serve(workers);
      ({ url } = server);
    });
    after(() => server.stop());

    describe("handshake", () => {
      test("a GET opens a session and says what it allows", async () => {
        const { headers, text } = await poll(url);
        assert.match(headers.get("content-type"), /^text\/plain; charset=UTF-8$/i);
        const { sid, ...rest } = JSON.parse(text.slice(1));
        assert.match(sid, /^[A-Za-z0-9_-]{21}$/);
        assert.deepEqual(rest, { upgrades: ["websocket"], pingInterval: 25000, pingTimeout: 20000, maxPayload: 1000000 });
      });

      test("a WebSocket opens one that has no upgrade", async () => {
        const socket = new Socket(url);
        const packet = await socket.next();
        assert.equal(packet[0], "0");
        assert.deepEqual(JSON.parse(packet.slice(1)).upgrades, []);
        socket.close();
      });

      test("no two sessions have the same sid", async () => {
        const sids = await Promise.all(Array.from({ length: 50 }, async () => (await open(url)).sid));
        assert.equal(new Set(sids).size, 50);
      });

      for (const [what, query, code] of [
        ["without a version", { EIO: "" }, 5],
        ["of version 3", { EIO: "3" }, 5],
        ["of a version that is no number", { EIO: "abc" }, 5],
        ["without a transport", { transport: "" }, 0],
        ["with an unknown transport", { transport: "abc" }, 0],
        ["of a WebSocket by plain HTTP", { transport: "websocket" }, 3],
      ]) {
        test(`a request ${what} is refused with ${code}`, async () => {
          assert.deepEqual(refusal(await poll(url, { query })), { status: 400, code });
          if (code === 3) return;
          const socket = new Socket(url, { query: query.transport === undefined ? query : { transport: query.transport } });
          assert.equal(await socket.status, 400);
        });
      }

      test("it begins with GET, or is refused with 2", async () => {
        for (const method of ["POST", "PUT", "DELETE"]) {
          assert.deepEqual(refusal(await poll(url, { method })), { status: 400, code: 2 }, method);
        }
      });

      test("an unknown sid is refused with 1", async () => {
        for (const sid of ["nonsense", "A".repeat(21), "_".repeat(21), "x".repeat(60), "A/../../x"]) {
          assert.deepEqual(refusal(await poll(url, { sid })), { status: 400, code: 1 }, sid);
          assert.deepEqual(refusal(await post(url, sid, "4x")), { status: 400, code: 1 }, sid);
          const socket = new Socket(url, { sid });
          const code = await socket.status;
          if (code === 101) await socket.end();
          else assert.equal(code, 400);
        }
      });
    });

    describe("long-polling", () => {
      test("packets go both ways, several in a payload, in order", async () => {
        const { sid } = await open(url);
        const { status, text, headers } = await post(url, sid, ["4one", "4two", "4drei €"].join(SEPARATOR));
        assert.deepEqual([status, text], [200, "ok"]);
        assert.equal(headers.get("cache-control"), "no-store");
        assert.equal((await poll(url, { sid })).text, ["4one", "4two", "4drei €"].join(SEPARATOR));
      });

      test("binary is base64 after a b", async () => {
        const { sid } = await open(url);
        await post(url, sid, `4hello${SEPARATOR}bAQIDBA==`);
        assert.equal((await poll(url, { sid })).text, `4hello${SEPARATOR}bAQIDBA==`);
      });

      test("a GET waits for the next packet", async () => {
        const { sid } = await open(url);
        const waiting = poll(url, { sid });
        await post(url, sid, "4late");
        assert.equal((await waiting).text, "4late");
      });

      for (const [what, body] of [
        ["an unknown type", "abc"],
        ["an empty packet", `4a${SEPARATOR}${SEPARATOR}4b`],
        ["nothing", ""],
        ["bad base64", "bAQI"],
        ["invalid UTF-8", Buffer.from([0x34, 0xff])],
        ["an open packet", "0{}"],
        ["a probe", "2probe"],
        ["an upgrade", "5"],
      ]) {
        test(`a POST of ${what} ends the session`, async () => {
          const { sid } = await open(url);
          const waiting = poll(url, { sid });
          assert.deepEqual(refusal(await post(url, sid, body)), { status: 400, code: 3 });
          const { status, text } = await waiting; // it may have come too late
          assert.ok(status === 400 || ["1", "4a"].includes(text), text);
          assert.deepEqual(refusal(await poll(url, { sid })), { status: 400, code: 1 });
        });
      }

      test("a second GET ends the session; the first gets a close packet", async () => {
        const { sid } = await open(url);
        const first = poll(url, { sid });
        let second;
        do second = await poll(url, { sid, query: { t: "2" } }); // whichever comes second
        while (second.status === 200 && second.text !== "1");
        const answers = [await first, second];
        assert.deepEqual(answers.map((a) => a.status).sort(), [200, 400]);
        assert.equal(answers.find((a) => a.status === 200).text, "1");
        assert.deepEqual(refusal(await poll(url, { sid })), { status: 400, code: 1 });
      });

      test("a second POST ends the session", async () => {
        const { sid } = await open(url);
        const { host } = new URL(url);
        const slow = new Raw(url);
        slow.write(`POST /engine.io/?EIO=4&transport=polling&sid=${sid} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 5\r\n\r\n4s`);
        // nobody knows when its headers are read: what is sent before counts as one after the other
        let answer;
        do answer = await post(url, sid, "4x");
        while (answer.status === 200);
        assert.equal(answer.status, 400);
        slow.write("low");
        await slow.until("the answer to the first", () => slow.status !== 0);
        assert.equal(slow.status, 400);
        slow.destroy();
        assert.deepEqual(refusal(await poll(url, { sid })), { status: 400, code: 1 });
      });

      test("a GET that is broken off ends the session", async () => {
        const { sid } = await open(url);
        const { host } = new URL(url);
        const waiting = new Raw(url);
        waiting.write(`GET /engine.io/?EIO=4&transport=polling&sid=${sid} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
        await waiting.connected;
        waiting.destroy();
        const noticed = async () => {
          let answer;
          do answer = await post(url, sid, "6"); // a noop
          while (answer.status === 200);
          return answer;
        };
        assert.deepEqual(refusal(await within(30_000, "the end of the session", noticed())), { status: 400, code: 1 });
      });

      test("a close packet ends the session; the GET that waits gets a noop", async () => {
        const { sid } = await open(url);
        const waiting = poll(url, { sid });
        await post(url, sid, "4x");
        await waiting;
        const last = new Raw(url);
        last.write(`GET /engine.io/?EIO=4&transport=polling&sid=${sid} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
        await last.connected;
        const echoed = post(url, sid, "4y"); // the answer proves that the GET has come
        await last.until("the echo", () => last.data.includes("4y"));
        await echoed;
        const again = poll(url, { sid });
        assert.equal((await post(url, sid, "1")).text, "ok");
        assert.ok(["6", undefined].includes((await again).status === 200 ? (await again).text : undefined));
        assert.deepEqual(refusal(await poll(url, { sid })), { status: 400, code: 1 });
      });

      test("a POST over maxPayload is refused with 413 before it is read; the session stays", async () => {
        const { sid } = await open(url);
        const { host } = new URL(url);
        const head = `POST /engine.io/?EIO=4&transport=polling&sid=${sid} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 1000001\r\n\r\n`;
        assert.match(await raw(url, head), /^HTTP\/1\.1 413 /);
        const body = `4${"x".repeat(999_999)}`;
        assert.equal((await post(url, sid, body)).text, "ok");
        assert.equal((await poll(url, { sid })).text, body);
      });

      test("a body without a length is refused with 411", async () => {
        const { sid } = await open(url);
        const { host } = new URL(url);
        const head = `POST /engine.io/?EIO=4&transport=polling&sid=${sid} HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n4x\r\n0\r\n\r\n`;
        assert.match(await raw(url, head), /^HTTP\/1\.1 411 /);
      });

      test("GET and POST go over one connection that is kept", async () => {
        const { sid } = await open(url);
        const line = (method, more) => `${method} /engine.io/?EIO=4&transport=polling&sid=${sid} HTTP/1.1\r\nHost: x\r\n${more}`;
        const kept = new Raw(url);
        for (const text of ["4a", "4b", "4c"]) {
          kept.write(line("POST", `Content-Length: 2\r\n\r\n${text}`));
          await kept.until("ok", () => kept.data.toString().endsWith("ok"));
          kept.data = Buffer.alloc(0);
          kept.write(line("GET", "\r\n"));
          await kept.until(text, () => kept.data.toString().endsWith(text));
          kept.data = Buffer.alloc(0);
        }
        kept.destroy();
      });
    });

    describe("WebSocket", () => {
      test("each packet is a frame, text or binary", async () => {
        const socket = new Socket(url);
        await socket.next();
        socket.send("4hello");
        assert.equal(await socket.next(), "4hello");
        socket.send(Buffer.from([1, 2, 3, 4]));
        assert.deepEqual(await socket.next(), Buffer.from([1, 2, 3, 4]));
        socket.close();
      });

      for (const [what, packet] of [["an unknown type", "abc"], ["a ping", "2"], ["an upgrade", "5"], ["nothing", ""]]) {
        test(`${what} closes it with 4003`, async () => {
          const socket = new Socket(url);
          await socket.next();
          socket.send(packet);
          assert.equal(await socket.end(), 4003);
        });
      }

      test("a close packet closes it", async () => {
        const socket = new Socket(url);
        await socket.next();
        socket.send("1");
        await socket.end();
      });

      test("its session is no one's to poll", async () => {
        const socket = new Socket(url);
        const { sid } = JSON.parse((await socket.next()).slice(1));
        assert.deepEqual(refusal(await poll(url, { sid })), { status: 400, code: 3 });
        assert.deepEqual(refusal(await post(url, sid, "4x")), { status: 400, code: 3 });
        socket.send("4still there");
        assert.equal(await socket.next(), "4still there");
        socket.close();
      });

      test("a message over maxPayload closes it with 1009", async () => {
        const socket = new Socket(url);
        await socket.next();
        socket.send(`4${"x".repeat(1_000_000)}`);
        assert.equal(await socket.end(), 1009);
      });
    });

    describe("upgrade", () => {
      const probe = async (sid) => {
        const socket = new Socket(url, { sid });
        assert.equal(await socket.status, 101);
        socket.send("2probe");
        assert.equal(await socket.next(), "3probe");
        return socket;
      };

      test("after the probe GETs get a noop, after the upgrade all goes by WebSocket", async () => {
        const { sid } = await open(url);
        const socket = await probe(sid);
        assert.equal((await poll(url, { sid })).text, "6");
        socket.send("5");
        socket.send("4hello");
        assert.equal(await socket.next(), "4hello");
        assert.deepEqual(refusal(await poll(url, { sid })), { status: 400, code: 3 });
        assert.deepEqual(refusal(await post(url, sid, "4x")), { status: 400, code: 3 });
        socket.send("4again");
        assert.equal(await socket.next(), "4again");
        socket.close();
      });

      test("a GET that waits is ended by the probe", async () => {
        const { sid } = await open(url);
        const waiting = poll(url, { sid });
        const socket = await probe(sid);
        assert.equal((await waiting).text, "6");
        socket.close();
      });

      test("a POST on the way is taken, and its echo comes by the WebSocket", async () => {
        const { sid } = await open(url);
        const socket = await probe(sid);
        assert.equal((await post(url, sid, `4a${SEPARATOR}bAQI=`)).text, "ok");
        socket.send("5");
        assert.equal(await socket.next(), "4a");
        assert.deepEqual(await socket.next(), Buffer.from([1, 2]));
        socket.close();
      });

      test("without a probe, or with another word, the WebSocket is closed and polling goes on", async () => {
        for (const packet of ["5", "4early", "2", "2probes", Buffer.from("2probe")]) {
          const { sid } = await open(url);
          const socket = new Socket(url, { sid });
          await socket.status;
          socket.send(packet);
          assert.equal(await socket.end(), 4003);
          await post(url, sid, "4x");
          assert.equal((await poll(url, { sid })).text, "4x");
        }
      });

      test("one that is given up may be tried again", async () => {
        const { sid } = await open(url);
        const first = await probe(sid);
        first.close();
        await first.end();
        let second, answer;
        do {
          second = new Socket(url, { sid });
          await second.status;
          second.send("2probe"); // the end of the first may not have been noticed yet
          answer = await second.next().catch(() => null);
        } while (answer === null);
        assert.equal(answer, "3probe");
        second.send("5");
        second.send("4x");
        assert.equal(await second.next(), "4x");
        second.close();
      });

      test("a second WebSocket is closed, before and after the upgrade", async () => {
        const { sid } = await open(url);
        const socket = await probe(sid);
        const second = new Socket(url, { sid });
        assert.equal(await second.end(), 4003);
        socket.send("5");
        const third = new Socket(url, { sid });
        assert.equal(await third.end(), 4003);
        socket.send("4hello");
        assert.equal(await socket.next(), "4hello");
        socket.close();
      });

      test("the end of the WebSocket is the end of the session", async () => {
        const { sid } = await open(url);
        const socket = await probe(sid);
        socket.send("5");
        socket.send("4x");
        await socket.next();
        socket.ws.terminate();
        let answer;
        do answer = refusal(await poll(url, { sid }));
        while (answer.code === 3);
        assert.deepEqual(answer, { status: 400, code: 1 });
      });

      test("many messages both ways stay in order, whichever worker they come by", async () => {
        const sessions = await Promise.all(Array.from({ length: 8 }, () => open(url)));
        await Promise.all(
          sessions.map(async ({ sid }) => {
            const socket = await probe(sid);
            socket.send("5");
            for (let i = 0; i < 500; i++) socket.send(`4${i} ${"x".repeat(i)}`);
            for (let i = 0; i < 500; i++) assert.equal(await socket.next(), `4${i} ${"x".repeat(i)}`);
            socket.close();
          }),
        );
      });

      test("more than is taken at a time comes whole and in order, whichever worker it comes by", async () => {
        const sessions = await Promise.all(Array.from({ length: 8 }, () => open(url)));
        const packets = Array.from({ length: 100 }, (_, i) => `4${i} ${"x".repeat(20_000)}`);
        await Promise.all(
          sessions.map(async ({ sid }) => {
            const socket = await probe(sid);
            socket.send("5");
            packets.forEach((packet) => socket.send(packet));
            for (const packet of packets) assert.equal(await socket.next(), packet);
            socket.close();
          }),
        );
      });
    });
  });
}

describe("heartbeat", () => {
  test("a GET waits for it, longer than a request may take to come", async () => {
    const server = await serve(1, { PING_INTERVAL_MS: "2500", PARLEY_HANDSHAKE_TIMEOUT_MS: "1000" });
    const { sid } = await open(server.url);
    assert.equal((await poll(server.url, { sid })).text, "2");
    await server.stop();
  });

  test("the server pings, and pings again after a pong", async () => {
    const server = await serve(1, { PING_INTERVAL_MS: "100", PING_TIMEOUT_MS: "60000" });
    const { sid } = await open(server.url);
    const socket = new Socket(server.url);
    await socket.next();
    for (let i = 0; i < 3; i++) {
      assert.equal((await poll(server.url, { sid })).text, "2");
      assert.equal((await post(server.url, sid, "3")).text, "ok");
      assert.equal(await socket.next(), "2");
      socket.send("3");
    }
    socket.close();
    await server.stop();
  });

  test("a WebSocket that is to take over may be silent for longer, it has none yet", async () => {
    const server = await serve(1, { PING_INTERVAL_MS: "1000", PING_TIMEOUT_MS: "60000" }); // the server's heartbeat_ms is 300
    const { sid } = await open(server.url);
    const taking = new Socket(server.url, { sid });
    assert.equal(await taking.status, 101);
    const clock = new Socket(server.url);
    await clock.next();
    for (let i = 0; i < 3; i++) {
      assert.equal(await clock.next(), "2");
      clock.send("3");
    }
    taking.send("2probe");
    assert.equal(await taking.next(), "3probe");
    clock.close();
    taking.close();
    await server.stop();
  });

  test("a session whose pong does not come is ended", async () => {
    const server = await serve(1, { PING_INTERVAL_MS: "100", PING_TIMEOUT_MS: "100" });
    const { sid } = await open(server.url);
    const socket = new Socket(server.url);
    await socket.end();
    let answer;
    do answer = await poll(server.url, { sid });
    while (answer.status === 200);
    assert.deepEqual(refusal(answer), { status: 400, code: 1 });
    await server.stop();
  });
});

describe("pages of other origins", () => {
  let server;
  before(async () => {
    server = await start({ args: ["--allowed-origins", "https://chat.example.org"] });
  });
  after(() => server.stop());
  const at = (Origin, more = {}) => poll(server.url, { path: "/socket.io/", headers: { Origin }, ...more });

  test("an allowed one may read answers, with credentials, errors too", async () => {
    for (const query of [{}, { EIO: "3" }]) {
      const { headers } = await at("https://chat.example.org", { query });
      assert.equal(headers.get("access-control-allow-origin"), "https://chat.example.org");
      assert.equal(headers.get("access-control-allow-credentials"), "true");
      assert.equal(headers.get("vary"), "Origin");
    }
  });

  test("another one may not", async () => {
    const { headers } = await at("https://evil.example.org");
    assert.equal(headers.get("access-control-allow-origin"), null);
    assert.equal(headers.get("access-control-allow-credentials"), null);
  });

  test("a preflight is answered", async () => {
    const answer = await at("https://chat.example.org", { method: "OPTIONS" });
    assert.equal(answer.status, 204);
    assert.equal(answer.headers.get("access-control-allow-methods"), "GET, POST");
    assert.match(answer.headers.get("access-control-allow-headers"), /Content-Type/);
    assert.equal((await at("https://evil.example.org", { method: "OPTIONS" })).headers.get("access-control-allow-origin"), null);
  });
});
