// Sessions: the cut, resuming, the reasons not to, and what joining, leaving and revoking do to a stream.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { View } from "../fault/checker.mjs";
import { Client, CommandError } from "../lib/client.mjs";
import { start } from "../lib/parleyd.mjs";
import { login, must, people } from "../lib/people.mjs";

let server;
let ann, bob, cid;
before(async () => {
  server = await start({ env: { PARLEY_RESUME_EVENTS: "5" } });
  ({ ann, bob, cid } = await people(server.url, "ann", "bob", "cid"));
});
after(() => server.stop());

const clients = [];
after(() => clients.forEach((c) => c.vanish()));

async function open(user, streams, options = {}) {
  const client = await Client.open(server.url, { token: user.token, streams, ...options });
  clients.push(client);
  return client;
}

let channels = 0;
/** A new channel of ann's with OTHERS in it: its view of ann. */
async function room(others = [], type = "public") {
  const { channel } = await must(server.url, "channel.create", { name: `room-${++channels}`, type }, ann.token);
  for (const user of others) await must(server.url, "channel.invite", { channel: channel.id, user: user.id }, ann.token);
  return { id: channel.id, stream: `c:${channel.id}`, epoch: channel.epoch };
}

const say = (user, { id }, text) => must(server.url, "message.send", { channel: id, text }, user.token).then((r) => r.message);
const row = (started, { id }) => started.channels.find((c) => c.id === id);
const texts = (client, { stream }) => client.log(stream).map((e) => e.params.message?.text ?? e.method);
const seqs = (client, { stream }) => client.log(stream).map((e) => e.params.seq);
const got = (client, { stream }, seq) => client.until(`${seq} of ${stream}`, () => client.log(stream).at(-1)?.params.seq >= seq);
const range = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe("resuming", () => {
  test("gives every later event after the answer, in order, then the live ones", async () => {
    const here = await room([bob]);
    const top = row((await open(bob)).started, here).seq;
    for (const text of ["one", "two", "three"]) await say(ann, here, text);
    const back = await open(bob, { [here.stream]: { epoch: here.epoch, seq: top } });
    assert.equal(row(back.started, here).resumed, true);
    assert.equal(row(back.started, here).seq, top + 3, "the cut is the stream's top");
    await say(ann, here, "four");
    await got(back, here, top + 4);
    assert.equal(back.frames[0].id, 1, "the answer is the first frame");
    assert.deepEqual(seqs(back, here), range(top + 1, top + 4));
    assert.deepEqual(texts(back, here), ["one", "two", "three", "four"]);
  });

  test("gives nothing twice to who missed nothing", async () => {
    const here = await room([bob]);
    const { seq } = await say(ann, here, "before");
    const back = await open(bob, { [here.stream]: { epoch: here.epoch, seq } });
    assert.equal(row(back.started, here).resumed, true);
    await say(ann, here, "after");
    await got(back, here, seq + 1);
    assert.deepEqual(texts(back, here), ["after"]);
  });

  test("serves exactly resume_events events, and says so when it is one more", async () => {
    const here = await room([bob]);
    const { seq } = await say(ann, here, "0");
    for (let i = 1; i <= 5; i++) await say(ann, here, String(i));
    const near = await open(bob, { [here.stream]: { epoch: here.epoch, seq } });
    assert.equal(row(near.started, here).resumed, true);
    await got(near, here, seq + 5);
    assert.deepEqual(texts(near, here), ["1", "2", "3", "4", "5"]);
    const far = await open(bob, { [here.stream]: { epoch: here.epoch, seq: seq - 1 } });
    assert.equal(far.started.limits.resume_events, 5);
    assert.equal(row(far.started, here).resumed, false);
    await say(ann, here, "live");
    await got(far, here, seq + 6);
    assert.deepEqual(seqs(far, here), [seq + 6], "only what came after the cut");
  });

  for (const [what, position] of Object.entries({
    "a position ahead of the stream": ({ epoch }, seq) => ({ epoch, seq: seq + 1 }),
    "another epoch": (_, seq) => ({ epoch: "not-this-one", seq }),
    "no position": () => undefined,
  })) {
    test(`says resumed:false to ${what}, and goes on after the cut`, async () => {
      const here = await room([bob]);
      const { seq } = await say(ann, here, "before");
      const streams = { [here.stream]: position(here, seq) };
      const back = await open(bob, streams[here.stream] && streams);
      assert.equal(row(back.started, here).resumed, false);
      assert.equal(row(back.started, here).seq, seq);
      assert.equal(row(back.started, here).epoch, here.epoch);
      await say(ann, here, "after");
      await got(back, here, seq + 1);
      assert.deepEqual(texts(back, here), ["after"]);
    });
  }

  test("treats each stream by itself", async () => {
    const [one, two] = [await room([bob]), await room([bob])];
    const a = await say(ann, one, "a");
    const b = await say(ann, two, "b");
    const back = await open(bob, {
      [one.stream]: { epoch: one.epoch, seq: a.seq - 1 },
      [two.stream]: { epoch: "another", seq: b.seq - 1 },
    });
    assert.deepEqual([row(back.started, one).resumed, row(back.started, two).resumed], [true, false]);
    await got(back, one, a.seq);
    await say(ann, two, "c");
    await got(back, two, b.seq + 1);
    assert.deepEqual(texts(back, one), ["a"]);
    assert.deepEqual(texts(back, two), ["c"]);
  });

  test("resumes the user's own stream: a channel joined meanwhile is in the answer and in the events", async () => {
    const first = await open(bob);
    const [own, { epoch, seq }] = Object.entries(first.started.streams)[0];
    assert.equal(own, `u:${bob.id}`);
    await first.close();
    const here = await room([bob]);
    const back = await open(bob, { [own]: { epoch, seq } });
    assert.equal(back.started.streams[own].resumed, true);
    const event = await back.event("channel.joined");
    assert.equal(event.params.channel.id, here.id);
    assert.equal(event.params.seq, seq + 1);
    assert.ok(row(back.started, here), "the answer is of the cut, after the join");
    const { seq: said } = await say(ann, here, "hello");
    await got(back, here, said);
    assert.deepEqual(seqs(back, here), [said], "the join in the past begins nothing a second time");
  });

  test("edits, deletions and members are part of it", async () => {
    const here = await room([bob]);
    const m = await say(ann, here, "first");
    await must(server.url, "message.edit", { message: m.id, text: "changed" }, ann.token);
    await must(server.url, "channel.invite", { channel: here.id, user: cid.id }, ann.token);
    const back = await open(bob, { [here.stream]: { epoch: here.epoch, seq: m.seq - 1 } });
    await got(back, here, m.seq + 2);
    assert.deepEqual(texts(back, here), ["first", "changed", "member.joined"], "each as it was at its time");
    await must(server.url, "message.delete", { message: m.id }, ann.token);
    await got(back, here, m.seq + 3);
    const again = await open(bob, { [here.stream]: { epoch: here.epoch, seq: m.seq - 1 } });
    await got(again, here, m.seq + 3);
    assert.deepEqual(texts(again, here), ["message.created", "message.updated", "member.joined", "message.deleted"]);
    for (const e of again.log(here.stream)) assert.equal(e.params.message?.text, undefined, "what was deleted is gone");
  });

  test("a stream that the user may not see is ignored, whatever position is claimed", async () => {
    const secret = await room([], "private");
    const { seq } = await say(ann, secret, "secret");
    const spy = await open(bob, { [secret.stream]: { epoch: secret.epoch, seq: 0 }, [`u:${ann.id}`]: { epoch: secret.epoch, seq: 0 } });
    assert.equal(row(spy.started, secret), undefined);
    assert.deepEqual(Object.keys(spy.started.streams), [`u:${bob.id}`]);
    const here = await room([bob]);
    const last = await say(ann, here, "for all");
    await got(spy, here, last.seq);
    assert.equal(seq > 0 && spy.log(secret.stream).length, 0);
    assert.equal(spy.log(`u:${ann.id}`).length, 0);
  });
});

describe("no window between catching up and live", () => {
  test("while messages flow all the time, every resumption is complete, from any position", { timeout: 120_000 }, async () => {
    const busy = await start({ env: { PARLEY_RATE_LIMITS: "off" } });
    const { eve, fay } = await people(busy.url, "eve", "fay");
    const { channel } = await must(busy.url, "channel.create", { name: "flow" }, eve.token);
    await must(busy.url, "channel.invite", { channel: channel.id, user: fay.id }, eve.token);
    const stream = `c:${channel.id}`;
    const writer = await Client.open(busy.url, { token: eve.token, keep: false });
    let writing = true;
    let sent = 0;
    const write = async () => {
      while (writing) await writer.request("message.send", { channel: channel.id, text: `m${++sent}` });
    };
    const writers = Array.from({ length: 4 }, write);
    let at;
    const epoch = channel.epoch;
    for (let round = 0; round < 60; round++) {
      const position = at === undefined ? undefined : Math.max(1, at - (round % 50) * 7);
      const client = await Client.open(busy.url, { token: fay.token, streams: position && { [stream]: { epoch, seq: position } } });
      const cut = client.started.channels.find((c) => c.id === channel.id).seq;
      await client.until("events after the cut", () => client.log(stream).at(-1)?.params.seq > cut + 3);
      const seen = client.log(stream).map((e) => e.params.seq);
      const first = (position ?? cut) + 1;
      assert.deepEqual(seen, range(first, first + seen.length - 1), `round ${round} from ${position}, cut ${cut}`);
      at = seen.at(-1);
      client.vanish();
    }
    writing = false;
    await Promise.all(writers);
    await writer.close();
    await busy.stop();
  });

  test("missed events that are larger than the outbound queue arrive all the same", { timeout: 120_000 }, async () => {
    const large = await start({ env: { PARLEY_RATE_LIMITS: "off", PARLEY_FRAME_BYTES: "262144" } });
    const { eve, fay } = await people(large.url, "eve", "fay");
    const { channel } = await must(large.url, "channel.create", { name: "large" }, eve.token);
    await must(large.url, "channel.invite", { channel: channel.id, user: fay.id }, eve.token);
    const text = "\u0001".repeat(16384); // each byte becomes six in JSON
    const writer = await Client.open(large.url, { token: eve.token, keep: false });
    let last;
    for (let i = 0; i < 150; i++) last = await writer.request("message.send", { channel: channel.id, text: "x".repeat(16384) });
    for (let i = 0; i < 10; i++) last = await writer.request("message.send", { channel: channel.id, text });
    const fresh = await must(large.url, "channel.get", { channel: channel.id }, fay.token);
    const stream = `c:${channel.id}`;
    const from = last.message.seq - 160;
    assert.ok(150 * 16384 + 10 * 6 * 16384 > 2 * 1048576, "more than fits into the queue");
    const client = await Client.open(large.url, { token: fay.token, streams: { [stream]: { epoch: fresh.channel.epoch, seq: from } } });
    await client.until("the last", () => client.closed || client.log(stream).at(-1)?.params.seq === last.message.seq);
    assert.equal(client.closed, null);
    assert.deepEqual(client.log(stream).map((e) => e.params.seq), range(from + 1, last.message.seq));
    client.vanish();
    writer.vanish();
    await large.stop();
  });
});

describe("joining and leaving", () => {
  test("a join takes effect at its event", async () => {
    const here = await room();
    await say(ann, here, "before");
    const client = await open(bob);
    const { channel } = await client.request("channel.join", { channel: here.id });
    await say(ann, here, "after");
    await got(client, here, channel.seq + 1);
    const [first, second] = client.log(here.stream);
    assert.equal(first.method, "member.joined");
    assert.equal(first.params.user.id, bob.id);
    assert.equal(second.params.message.text, "after");
    assert.deepEqual(seqs(client, here), [channel.seq, channel.seq + 1]);
    const own = (await client.event("channel.joined", (p) => p.channel.id === here.id)).params.channel;
    assert.equal(own.seq, channel.seq, "the view tells where the stream begins");
    assert.equal(own.epoch, here.epoch);
    assert.equal(own.unread, 0);
  });

  test("a leave takes effect at its event, for every session of the user", async () => {
    const here = await room([bob]);
    const [one, two] = [await open(bob), await open(await login(server.url, "bob"))];
    await say(ann, here, "before");
    await one.request("channel.leave", { channel: here.id });
    await say(ann, here, "after");
    const there = await room([bob]);
    const { seq } = await say(ann, there, "the end");
    for (const client of [one, two]) {
      await got(client, there, seq);
      assert.deepEqual(texts(client, here), ["before", "member.left"]);
      assert.ok(client.events.some((e) => e.method === "channel.left" && e.params.channel.id === here.id));
    }
  });

  test("a deletion ends the stream for every member, connected or not", async () => {
    const here = await room([bob, cid]);
    const [one, two] = [await open(bob), await open(cid)];
    const own = `u:${bob.id}`;
    const { epoch, seq } = one.started.streams[own];
    await say(ann, here, "before");
    await must(server.url, "admin.channel.delete", { channel: here.id }, ann.token);
    for (const client of [one, two]) {
      await client.event("channel.left", (p) => p.channel.id === here.id);
      assert.deepEqual(texts(client, here), ["before", "channel.deleted"], "the others' leaving is not told any more");
      await assert.rejects(client.request("message.send", { channel: here.id, text: "x" }), (e) => e.type === "not_found");
    }
    const back = await open(bob, { [own]: { epoch, seq }, [here.stream]: { epoch: here.epoch, seq: 1 } });
    assert.equal(row(back.started, here), undefined);
    await back.event("channel.left", (p) => p.channel.id === here.id);
    const there = await room([bob]);
    await got(back, there, (await say(ann, there, "the end")).seq);
    assert.deepEqual(texts(back, here), []);
  });

  test("who is removed gets nothing more, and nothing of what follows by any command", async () => {
    const here = await room([bob], "private");
    const client = await open(bob);
    await must(server.url, "channel.remove", { channel: here.id, user: bob.id }, ann.token);
    const { id } = await say(ann, here, "secret");
    await client.event("channel.left", (p) => p.channel.id === here.id);
    for (const [command, params] of [
      ["message.history", { channel: here.id }],
      ["stream.events", { stream: here.stream, epoch: here.epoch, after: 0 }],
      ["message.get", { message: id }],
      ["channel.get", { channel: here.id }],
      ["channel.members", { channel: here.id }],
      ["channel.join", { channel: here.id }],
      ["read.mark", { channel: here.id, seq: 1 }],
      ["message.send", { channel: here.id, text: "x" }],
      ["typing.start", { channel: here.id }],
    ]) {
      await assert.rejects(client.request(command, params), (e) => e instanceof CommandError && e.type === "not_found", command);
    }
    assert.deepEqual(texts(client, here), ["member.left"]);
  });

  test("leaving and coming back at once loses nothing, a hundred times", { timeout: 120_000 }, async () => {
    const quick = await start({ env: { PARLEY_RATE_LIMITS: "off" } });
    const { eve, fay } = await people(quick.url, "eve", "fay");
    const { channel } = await must(quick.url, "channel.create", { name: "door" }, eve.token);
    const client = await Client.open(quick.url, { token: fay.token });
    const writer = await Client.open(quick.url, { token: eve.token, keep: false });
    await client.request("channel.join", { channel: channel.id });
    for (let i = 0; i < 100; i++) {
      const work = [
        client.request("channel.leave", { channel: channel.id }),
        client.request("channel.join", { channel: channel.id }),
        writer.request("message.send", { channel: channel.id, text: String(i) }),
      ];
      const { message } = (await Promise.all(work))[2];
      const after = await writer.request("message.send", { channel: channel.id, text: `${i}!` });
      await client.until("the message after the join", () => client.log(`c:${channel.id}`).at(-1)?.params.seq === after.message.seq);
      assert.ok(message.seq < after.message.seq);
    }
    client.vanish();
    writer.vanish();
    await quick.stop();
  });

  test("leaving and coming back while a session resumes leaves no hole and keeps that session a member", { timeout: 120_000 }, async () => {
    const quick = await start({ env: { PARLEY_RATE_LIMITS: "off" } });
    const { eve, fay } = await people(quick.url, "eve", "fay");
    const { channel } = await must(quick.url, "channel.create", { name: "door" }, eve.token);
    const [door, writer] = [await Client.open(quick.url, { token: fay.token, keep: false }), await Client.open(quick.url, { token: eve.token, keep: false })];
    await door.request("channel.join", { channel: channel.id });
    const stream = `c:${channel.id}`;
    const view = new View("fay", fay.id);
    let turning = true;
    const turn = async () => {
      while (turning) {
        const leaving = door.request("channel.leave", { channel: channel.id });
        await Promise.all([leaving, door.request("channel.join", { channel: channel.id })]);
      }
    };
    for (let round = 0; round < 60; round++) {
      turning = true;
      const turned = turn();
      const streams = view.positions();
      const client = await Client.open(quick.url, { token: fay.token, streams });
      turning = false;
      await turned;
      const { message } = await writer.request("message.send", { channel: channel.id, text: String(round) });
      await client.until(`round ${round}: the message`, () => client.log(stream).some((e) => e.params.seq === message.seq), 10_000);
      view.started(streams, client.started);
      client.events.forEach((e) => view.take(e));
      client.vanish();
    }
    door.vanish();
    writer.vanish();
    await quick.stop();
  });

  test("a private channel and a direct conversation are invisible to others", async () => {
    const secret = await room([], "private");
    const { channel: dm } = await must(server.url, "dm.open", { users: [cid.id] }, ann.token);
    const spy = await open(bob);
    for (const id of [secret.id, dm.id]) {
      await must(server.url, "message.send", { channel: id, text: "secret" }, ann.token);
      for (const [command, params] of [
        ["channel.get", { channel: id }],
        ["channel.join", { channel: id }],
        ["message.history", { channel: id }],
        ["message.send", { channel: id, text: "x" }],
        ["stream.events", { stream: `c:${id}`, epoch: secret.epoch, after: 0 }],
      ]) {
        await assert.rejects(spy.request(command, params), (e) => e.type === "not_found", command);
      }
    }
    const { channels: listed } = await spy.request("channel.list", { limit: 200 });
    assert.ok(!listed.some((c) => c.id === secret.id || c.id === dm.id));
    const here = await room([bob]);
    const { seq } = await say(ann, here, "for all");
    await got(spy, here, seq);
    assert.ok(!JSON.stringify(spy.frames).includes("secret"));
  });
});

describe("sessions", () => {
  test("the sender's answer comes before the event of its own message, which comes once", async () => {
    const here = await room([bob]);
    const client = await open(bob);
    for (let i = 0; i < 50; i++) {
      const { message } = await client.request("message.send", { channel: here.id, text: `m${i}`, client_msg_id: `own-${i}` });
      await got(client, here, message.seq);
      const at = (match) => client.frames.findIndex(match);
      const answer = at((f) => f.result?.message?.id === message.id);
      const event = at((f) => f.params?.message?.id === message.id);
      assert.ok(answer >= 0 && answer < event, `message ${i}: answer at ${answer}, event at ${event}`);
      assert.deepEqual(client.frames[event].params.message, message, "both show the same message");
    }
    assert.equal(client.log(here.stream).length, 50);
  });

  test("two sessions of one user both get everything, and what the other one sends", async () => {
    const here = await room([bob]);
    const [one, two] = [await open(bob), await open(await login(server.url, "bob"))];
    await one.request("message.send", { channel: here.id, text: "from one" });
    const { message } = await two.request("message.send", { channel: here.id, text: "from two" });
    for (const client of [one, two]) {
      await got(client, here, message.seq);
      assert.deepEqual(texts(client, here), ["from one", "from two"]);
    }
    await one.request("read.mark", { channel: here.id, seq: message.seq });
    const read = await two.event("read.updated", (p) => p.channel === here.id && p.last_read_seq === message.seq);
    assert.equal(read.params.unread, 0);
  });

  test("a client_msg_id gives the first message again, from another session and after a restart", async () => {
    const here = await room([bob]);
    const send = { channel: here.id, text: "once", client_msg_id: "the-one" };
    const { message } = await (await open(bob)).request("message.send", send);
    const again = await (await open(await login(server.url, "bob"))).request("message.send", { ...send, text: "twice?" });
    assert.deepEqual(again.message, message);
    const anns = await (await open(ann)).request("message.send", send);
    assert.notEqual(anns.message.id, message.id, "the ids are each author's own");
    await server.kill();
    server = await start({ dataDir: server.dataDir, env: { PARLEY_RESUME_EVENTS: "5" } });
    const later = await (await open(bob)).request("message.send", send);
    assert.deepEqual(later.message, message);
  });

  test("revoking a session closes its connections at once with 4002, and only those", async () => {
    const phone = await login(server.url, "bob");
    const [here, there] = [await open(bob), await open(phone)];
    await here.request("auth.revoke", { session: phone.session });
    const { code } = await there.ended;
    assert.equal(code, 4002);
    assert.ok(there.events.some((e) => e.method === "session.revoked" && e.params.session === phone.session));
    await here.request("channel.list");
    await assert.rejects(open(phone), (e) => e.type === "unauthenticated");
  });

  test("what was revoked while it was being started is not started", async () => {
    for (let i = 0; i < 10; i++) {
      const phone = await login(server.url, "cid");
      const client = new Client(server.url);
      clients.push(client);
      await client.opened;
      const started = client.start({ token: phone.token }).catch((error) => error);
      await must(server.url, "auth.revoke", { session: phone.session }, cid.token);
      const outcome = await started;
      if (outcome instanceof CommandError) assert.equal(outcome.type, "unauthenticated");
      else assert.equal((await client.ended).code, 4002);
      client.vanish();
    }
  });

  test("logging out ends the connection, and commands before session.start are refused", async () => {
    const phone = await login(server.url, "bob");
    const client = await open(phone);
    client.request("auth.logout").catch(() => {});
    assert.equal((await client.ended).code, 4002);
    const stranger = new Client(server.url);
    clients.push(stranger);
    await stranger.opened;
    await assert.rejects(stranger.request("channel.list"), (e) => e.type === "unauthenticated");
    await assert.rejects(stranger.start({ token: "nonsense" }), (e) => e.type === "unauthenticated");
    await assert.rejects(stranger.start({}), (e) => e.type === "unauthenticated");
    await stranger.start({ token: bob.token });
    await assert.rejects(stranger.start({ token: bob.token }), (e) => e.type === "conflict");
  });
});
