// Clients that mean no good, or know no better, against one parleyd on which a small chat goes on: its people must not
// notice. Each attack comes from addresses of its own (127.0.0.66 and up), as it would in life.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "../lib/client.mjs";
import { start } from "../lib/parleyd.mjs";
import { login, must, people, register } from "../lib/people.mjs";
import { eventually, metrics, peakMiB, rssMiB } from "../lib/process.mjs";
import { Random, chooseSeed } from "../lib/random.mjs";
import { OP, Raw, frame, rawSession } from "../lib/raw.mjs";
import { View } from "./checker.mjs";
import { Noticed, startWitness } from "./witness.mjs";

const TIMEOUT_MS = 2000; // of a handshake and of session.start
const sanitized = (process.env.PARLEY_MODE ?? "release") !== "release"; // such a build holds on to what is freed
const MEMORY_MIB = sanitized ? 1024 : 96; // what an attack may cost at most
const random = new Random(chooseSeed());

let server, witness, mallory, bodies;
before(async () => {
  server = await start({
    env: { PARLEY_HANDSHAKE_TIMEOUT_MS: String(TIMEOUT_MS), PARLEY_SESSION_START_TIMEOUT_MS: String(TIMEOUT_MS) },
  });
  witness = await startWitness(server.url);
  mallory = await register(server.url, "mallory");
  bodies = await drips(50, "POST /api/v1/auth.login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n", " ");
});
after(async () => {
  bodies?.all.forEach((r) => r.destroy());
  await witness?.stop();
  const { code } = await server.stop();
  assert.equal(code, 0, server.log());
});

const raws = [];
after(() => raws.forEach((raw) => raw.destroy()));
function raw(from = "127.0.0.66") {
  const connection = new Raw(server.url, { from });
  raws.push(connection);
  return connection;
}
const session = async () => {
  const connection = await rawSession(server.url, mallory.token, { from: "127.0.0.66" });
  raws.push(connection);
  return connection;
};
// Connections on which HEAD is followed by DRIP, a byte at a time.
async function drips(n, head, drip) {
  const all = await many(n, async () => {
    const r = new Raw(server.url, { from: "127.0.0.66" });
    await r.connected;
    r.write(head);
    let at = 0;
    const timer = setInterval(() => r.write(drip[at++ % drip.length]), 100);
    r.ended.then(() => {
      clearInterval(timer);
      r.endedAt = Date.now();
    });
    return r;
  });
  return { all, since: Date.now() };
}
const many = (n, make) => Promise.all(Array.from({ length: n }, (_, i) => make(i)));
const openConnections = async () => (await metrics(server.url)).parley_connections;

/** An attack: the others notice nothing, memory stays bounded, its connections are gone afterwards. */
function attack(name, body, options = {}) {
  test(name, { timeout: 180_000 }, async (t) => {
    const connections = await openConnections();
    await unnoticed(t, () => witness.unmoved(t, () => body(t), options));
    raws.splice(0).forEach((r) => r.destroy());
    await eventually("the end of the attack's connections", async () => (await openConnections()) <= connections + 2);
  });
}

/** RUN, with what it costs in memory. On a busy machine time says little, so it gets another try if only time was wrong. */
async function unnoticed(t, run, tries = 3) {
  const memory = rssMiB(server.pid);
  const { peak } = await peakMiB(server.pid, async () => {
    for (;;) {
      try {
        return await run();
      } catch (error) {
        if (!(error instanceof Noticed) || --tries === 0) throw error;
        t.diagnostic(`once more: ${error.message}`);
      }
    }
  });
  t.diagnostic(`memory: ${memory.toFixed(1)} MiB, at most ${peak.toFixed(1)} MiB`);
  assert.ok(peak - memory < MEMORY_MIB, `memory grew from ${memory.toFixed(1)} to ${peak.toFixed(1)} MiB`);
}

// --- Those who do not finish ---------------------------------------------------------------------------------------------

describe("who does not get to the point", () => {
  attack("2,000 half-open handshakes are closed when their time is over", async (t) => {
    const accepted = async () => (await metrics(server.url)).parley_connections_accepted_total;
    const before = await accepted();
    const all = await many(2000, async (i) => {
      const r = raw(`127.0.0.${66 + Math.floor(i / 900)}`);
      if (await r.connected) r.write("GET /ws HTTP/1.1\r\nHost: parley\r\nUpgrade: websocket\r\n");
      return r;
    });
    assert.ok((await accepted()) >= before + 2000, "they were all there"); // where all is slow the first may be closed by now
    const start = Date.now();
    await Promise.all(all.map((r) => r.end(TIMEOUT_MS + 15_000)));
    t.diagnostic(`all closed after ${Date.now() - start} ms`);
    // 2,000 ends within a moment cost this process more than the server (0.2 s and 0.14 s), and both have the same two cores
  }, { floor: 100 });

  attack("a request line and headers that come a byte at a time do not go on for ever", async (t) => {
    const [line, headers] = [await drips(100, "", "GET /averylongpath"), await drips(100, "GET / HTTP/1.1\r\n", "X-Slow: 1\r\n")];
    await Promise.all([...line.all, ...headers.all].map((r) => r.end(TIMEOUT_MS + 15_000)));
    t.diagnostic(`all closed after ${Date.now() - line.since} ms`);
  });

  attack("a WebSocket without session.start is closed with 4001", async () => {
    const all = await many(50, () => raw().upgrade());
    for (const r of all) assert.equal(await r.end(TIMEOUT_MS + 15_000), 4001);
  });

  attack("connections beyond the limit of one address get 503, others get in", async (t) => {
    const all = await many(1100, async () => {
      const r = raw("127.0.0.99");
      await r.connected;
      return r;
    });
    const refused = await eventually("the refusals", () => {
      const list = all.filter((r) => r.status === 503 || r.gone);
      return list.length >= 100 && list;
    });
    t.diagnostic(`${refused.length} refused`);
    assert.equal(refused.length, 100, "all beyond 1,000, and no other");
    assert.ok(refused.filter((r) => r.status === 503 && /Retry-After: \d/.test(r.data)).length >= 90, "they are told");
    assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
  });
});

// --- Those who do not speak the language ---------------------------------------------------------------------------------

describe("noise", () => {
  const noise = (n) => Buffer.from(Array.from({ length: n }, () => random.between(0, 255)));

  attack("random bytes in place of a request", async () => {
    const all = await many(300, async (i) => {
      const r = raw();
      await r.connected;
      r.write(i % 3 === 0 ? Buffer.concat([Buffer.from("GET "), noise(500)]) : noise(random.between(1, 3000)));
      if (i % 2 === 0) r.write("\r\n\r\n");
      return r;
    });
    await Promise.all(all.map((r) => r.end(TIMEOUT_MS + 15_000)));
  });

  attack("random bytes in place of frames", async () => {
    const all = await many(200, async () => {
      const r = await raw().upgrade();
      for (let i = 0; i < 4; i++) r.write(noise(random.between(1, 800)));
      return r;
    });
    await Promise.all(all.map((r) => r.end(TIMEOUT_MS + 15_000)));
  });

  attack("random JSON in frames that are right", async () => {
    const r = await session();
    const value = (depth) =>
      depth > 3
        ? random.pick([null, true, 1e308, -1, "", "x", "\ud800"])
        : random.pick([
            () => ({ jsonrpc: random.pick(["2.0", 2]), id: value(depth + 1), method: random.pick(["message.send", "session.start", "", "x".repeat(5000), "constructor"]), params: value(depth + 1) }),
            () => Array.from({ length: random.between(0, 5) }, () => value(depth + 1)),
            () => ({ channel: value(depth + 1), text: value(depth + 1) }),
            () => random.next(),
          ])();
    for (let i = 0; i < 200; i++) r.text(JSON.stringify(value(0)));
    r.text({ jsonrpc: "2.0", id: "still", method: "channel.list", params: {} });
    const still = await r.answer("still");
    assert.ok(still.result || still.error.data.type === "rate_limited");
  });
});

describe("frames that break the rules", () => {
  const command = JSON.stringify({ jsonrpc: "2.0", id: "last", method: "server.info", params: {} });
  const ends = {
    "with a reserved bit": { bytes: () => frame(OP.text, command, { rsv: 4 }), codes: [1002, undefined] },
    "with a reserved opcode": { bytes: () => frame(3, "x"), codes: [1002, undefined] },
    "a ping of 126 bytes": { bytes: () => frame(OP.ping, "x".repeat(126)), codes: [1002, undefined] },
    "a ping in fragments": { bytes: () => frame(OP.ping, "x", { fin: false }), codes: [1002, undefined] },
    "a continuation of nothing": { bytes: () => frame(OP.continuation, "x"), codes: [1002, undefined] },
    "a text within a text": {
      bytes: () => Buffer.concat([frame(OP.text, "{", { fin: false }), frame(OP.text, "}")]),
      codes: [1002, undefined],
    },
    "invalid UTF-8": { bytes: () => frame(OP.text, Buffer.from([0x22, 0xc3, 0x28, 0x22])), codes: [1007] },
    "UTF-8 of a surrogate": { bytes: () => frame(OP.text, Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])), codes: [1007] },
    "invalid UTF-8 over two fragments": {
      bytes: () => Buffer.concat([frame(OP.text, Buffer.from([0x22, 0xc3]), { fin: false }), frame(OP.continuation, Buffer.from([0x28, 0x22]))]),
      codes: [1007],
    },
    "binary": { bytes: () => frame(OP.binary, command), codes: [4003] },
    "1 MB": { bytes: () => frame(OP.text, "x".repeat(1 << 20)), codes: [1009] },
    "1 MB in fragments": {
      bytes: () => Buffer.concat(Array.from({ length: 128 }, (_, i) => frame(i ? OP.continuation : OP.text, "x".repeat(8192), { fin: i === 127 }))),
      codes: [1009],
    },
    "a length of 2^62": { bytes: () => frame(OP.text, "x".repeat(100_000), { length: 2 ** 62 }), codes: [1009, 1002, undefined] },
    "a close frame of one byte": { bytes: () => frame(OP.close, "x"), codes: [1002, 1000, undefined] },
  };
  attack("end the connection, with the code that says why", async () => {
    const wrong = [];
    const judge = async ([what, { bytes, codes }]) => {
      const r = await session();
      r.write(bytes());
      const code = await r.end(15_000);
      if (!codes.includes(code)) wrong.push(`${what}: closed with ${code}, not ${codes}`);
      if (r.messages.some((m) => m.id === "last")) wrong.push(`${what}: the command in it was carried out`);
    };
    await Promise.all(Object.entries(ends).map(judge));
    assert.deepEqual(wrong, []);
  });

  // The mask guards old proxies, not the server; the library does not look whether it is there (RFC 6455 section 5.1).
  attack("a frame without a mask does no harm", async () => {
    const r = await session();
    r.write(frame(OP.text, command, { mask: false }));
    await r.until("an answer or the end", () => r.gone || r.closeCode || r.messages.some((m) => m.id === "last"));
  });

  attack("a frame that is cut off by the end of the connection", async () => {
    for (let i = 0; i < 50; i++) {
      const r = await raw().upgrade();
      const whole = frame(OP.text, command);
      r.write(whole.subarray(0, random.between(1, whole.length - 1)));
      r.socket.end();
      await r.end(15_000);
    }
  });

  attack("a text in 100 fragments with pings between them is a text", async () => {
    const r = await session();
    const text = JSON.stringify({ jsonrpc: "2.0", id: "pieces", method: "server.info", params: {}, pad: undefined }) + " ".repeat(200);
    const size = Math.ceil(text.length / 100);
    for (let i = 0; i < 100; i++) {
      r.write(frame(i ? OP.continuation : OP.text, text.slice(i * size, (i + 1) * size), { fin: i === 99 }));
      if (i % 10 !== 5) continue;
      r.write(frame(OP.ping, `ping ${i}`));
      await r.until("the pong", () => r.frames.some((f) => f.op === OP.pong && String(f.payload) === `ping ${i}`));
    }
    assert.ok((await r.answer("pieces")).result);
  });

  attack("a text that comes byte by byte is a text", async () => {
    const r = await session();
    for (const byte of frame(OP.text, command)) {
      r.write(Buffer.from([byte]));
      await sleep(1);
    }
    assert.ok((await r.answer("last")).result);
  });

  attack("the largest frame is taken, one byte more is not", async () => {
    const r = await session();
    r.write(frame(OP.text, command.padEnd(65536)));
    assert.ok((await r.answer("last")).result);
    r.write(frame(OP.text, command.padEnd(65537)));
    assert.equal(await r.end(15_000), 1009);
  });

  const bad = {
    "no JSON": ["{", "parse_error"],
    "nothing": ["", "parse_error"],
    "JSON that is too deep": ["[".repeat(10_000), "parse_error"],
    "a deep object in a request": [`{"jsonrpc":"2.0","id":1,"method":"server.info","params":${'{"a":'.repeat(5000)}1${"}".repeat(5000)}}`, "parse_error"],
    "a key that is there twice": ['{"jsonrpc":"2.0","id":1,"method":"server.info","method":"auth.logout"}', "parse_error"],
    "two values": ['{"jsonrpc":"2.0","id":1,"method":"server.info"} {}', "parse_error"],
    "a batch": ['[{"jsonrpc":"2.0","id":1,"method":"server.info"}]', "invalid_request"],
    "a number": ["1", "parse_error"],
    "no method": ['{"jsonrpc":"2.0","id":1}', "invalid_request"],
    "another version": ['{"jsonrpc":"1.0","id":1,"method":"server.info"}', "invalid_request"],
    "an id that is an object": ['{"jsonrpc":"2.0","id":{},"method":"server.info"}', "invalid_request"],
    "an unknown command": ['{"jsonrpc":"2.0","id":1,"method":"server.nothing"}', "unknown_command"],
    "parameters in a list": ['{"jsonrpc":"2.0","id":1,"method":"server.info","params":[1]}', "invalid_params"],
    "an unknown parameter": ['{"jsonrpc":"2.0","id":1,"method":"server.info","params":{"x":1}}', "invalid_params"],
  };
  attack("what is no request is answered with the error that says so, and the connection goes on", async () => {
    const r = await session();
    for (const [what, [text, type]] of Object.entries(bad)) {
      const n = r.messages.length;
      r.text(text);
      const error = await r.until(what, () => r.gone || r.messages.slice(n).find((m) => m.error));
      assert.ok(error.error, `${what}: the connection was closed with ${r.closeCode}`);
      assert.equal(error.error.data.type, type, `${what}: ${JSON.stringify(error)}`);
    }
    r.write(frame(OP.text, command));
    assert.ok((await r.answer("last")).result);
  });
});

// --- Those who are too fast, and those who are too slow -------------------------------------------------------------------

describe("too fast", () => {
  attack("10,000 commands a second are answered with rate_limited, and the connection stays", async (t) => {
    const client = await Client.open(server.url, { token: mallory.token, keep: false });
    const outcomes = {};
    const ask = async () => {
      const outcome = await client.request("channel.list", {}).then(() => "served", (error) => {
        if (error.type === "rate_limited") assert.ok(error.data.retry_after_ms > 0, "it says when to come back");
        return error.type ?? error.message;
      });
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    };
    const start = performance.now();
    const all = [];
    for (let i = 0; i < 20; i++) {
      for (let j = 0; j < 1000; j++) all.push(ask());
      await sleep(Math.max(0, start + (i + 1) * 100 - performance.now()));
    }
    await Promise.all(all);
    t.diagnostic(`20,000 in ${((performance.now() - start) / 1000).toFixed(1)} s: ${JSON.stringify(outcomes)}`);
    assert.deepEqual(Object.keys(outcomes).sort(), ["rate_limited", "served"]);
    assert.equal(outcomes.served + outcomes.rate_limited, 20_000);
    assert.equal(client.closed, null);
    await eventually("being served again", () => client.request("channel.list", {}).then(() => true, () => false));
    client.vanish();
  });
});

// A channel in which much is said: 10,000-byte texts that are 60,000 bytes as JSON.
async function makeBusyChannel() {
  const [names, text] = [["bert", "berta"], "\u0001".repeat(10_000)];
  const users = Object.values(await people(server.url, ...names.map((name) => `${name}${++made}`)));
  const { channel } = await must(server.url, "channel.create", { name: `busy${++made}` }, users[0].token);
  for (const user of [users[1], mallory]) await must(server.url, "channel.invite", { channel: channel.id, user: user.id }, users[0].token);
  const writers = await Promise.all(users.map((u) => Client.open(server.url, { token: u.token, keep: false })));
  let last = 0;
  return {
    id: channel.id,
    stream: `c:${channel.id}`,
    last: () => last,
    /** COUNT messages at RATE a second. */
    async talk(count, rate) {
      const from = performance.now();
      for (let i = 0; i < count; i++) {
        const { message } = await writers[i % 2].request("message.send", { channel: channel.id, text });
        last = message.seq;
        await sleep(Math.max(0, from + ((i + 1) * 1000) / rate - performance.now()));
      }
    },
    close: () => writers.forEach((w) => w.vanish()),
  };
}
let made = 0;

// A reader whose events go through a View, which throws at the first one that is missing or twice.
async function openReader(view, user) {
  const streams = view.positions();
  const client = new Client(server.url, { keep: false });
  client.onFrame = (f) => {
    try {
      if (f.id === 1 && f.result) view.started(streams, f.result);
      else if (f.method) view.take(f);
    } catch (error) {
      view.error ??= error;
    }
  };
  await client.opened;
  client.started = await client.start({ token: user.token, streams });
  return client;
}
const reaches = (client, view, busy) =>
  client.until("the last event of the busy channel", () => {
    if (view.error) throw view.error;
    return client.closed || view.streams.get(busy.stream)?.at === busy.last();
  }, 60_000);

describe("too slow", () => {
  test("who stops reading in a busy channel is closed with 4009, and resumes completely", { timeout: 240_000 }, async (t) => {
    await unnoticed(t, () => stopReading(t));
  });

  async function stopReading(t) {
    const busy = await makeBusyChannel();
    const view = new View("reader", mallory.id);
    const reader = await openReader(view, mallory);
    await busy.talk(5, 30); // the channel is known to all
    await reaches(reader, view, busy);
    const calm = await witness.during(() => busy.talk(60, 40), 0);
    const closes = async () => (await metrics(server.url))['parley_closes_total{code="4009"}'] ?? 0;
    const before = await closes();
    await witness.unmoved(
      t,
      async () => {
        reader.pause();
        await busy.talk(260, 40); // 15 MB: more than the kernel and the queue take
        await eventually("the slow reader's end", async () => (await closes()) > before);
      },
      { before: calm },
    );
    reader.resume();
    const { code } = await reader.ended;
    assert.equal(code, 4009);
    assert.ok(view.streams.get(busy.stream).at < busy.last(), "it has missed something");
    const again = await openReader(view, mallory);
    assert.equal(again.started.channels.find((c) => c.id === busy.id).resumed, true);
    await reaches(again, view, busy);
    assert.equal(again.closed, null);
    assert.equal(view.error, undefined);
    again.vanish();
    busy.close();
  }

  test("who reads slowly gets everything in the end, if need be by resuming", { timeout: 240_000 }, async (t) => {
    await unnoticed(t, () => readSlowly(t));
  });

  async function readSlowly(t) {
    const busy = await makeBusyChannel();
    const view = new View("reader", mallory.id);
    let reader = await openReader(view, mallory);
    const calm = await witness.during(() => busy.talk(60, 40), 0);
    let closed = 0;
    await witness.unmoved(t, async () => {
      let talking = true;
      const talk = busy.talk(200, 40).finally(() => (talking = false));
      while (talking) {
        reader.pause();
        await sleep(150);
        reader.resume();
        await sleep(5);
        if (!reader.closed) continue;
        assert.equal(reader.closed.code, 4009);
        closed++;
        reader = await openReader(view, mallory);
      }
      await talk;
    }, { before: calm });
    reader.resume();
    await reaches(reader, view, busy);
    if (reader.closed) {
      closed++;
      reader = await openReader(view, mallory);
      await reaches(reader, view, busy);
    }
    t.diagnostic(`closed ${closed} times on the way`);
    assert.equal(view.error, undefined);
    assert.equal(view.streams.get(busy.stream).at, busy.last());
    reader.vanish();
    busy.close();
  }

  test("who does not read the answers to its own commands harms only itself", { timeout: 120_000 }, async (t) => {
    const other = await login(server.url, "mallory");
    const busy = await makeBusyChannel();
    await busy.talk(20, 40);
    await unnoticed(t, () =>
      witness.unmoved(t, async () => {
        const r = await rawSession(server.url, other.token, { from: "127.0.0.66" });
        raws.push(r);
        r.socket.pause();
        for (let i = 0; i < 200; i++) r.text({ jsonrpc: "2.0", id: `h${i}`, method: "message.history", params: { channel: busy.id, limit: 20 } });
        await sleep(1500);
        r.destroy();
      }),
    );
    busy.close();
  });
});

test("a body that comes a byte at a time has not gone on for ever either", { timeout: 90_000 }, async (t) => {
  await Promise.all(bodies.all.map((r) => r.end(75_000)));
  t.diagnostic(`the last was closed ${Math.max(...bodies.all.map((r) => r.endedAt)) - bodies.since} ms after it began`);
});
