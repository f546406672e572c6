// parleyctl migrate, backup and restore, with real servers before and after: what everybody sees is the same.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { Client } from "../lib/client.mjs";
import { database, withDriver } from "../lib/mongo.mjs";
import { parleyctl } from "../lib/parleyctl.mjs";
import { call, start, temporaryFolder } from "../lib/parleyd.mjs";
import { login, must, people } from "../lib/people.mjs";
import { eventually } from "../lib/process.mjs";

const ctl = parleyctl();
const env = { PARLEY_RATE_LIMITS: "off" };

const databases = [];
after(async () => {
  for (const db of databases) await db.drop();
});

async function emptyDatabase() {
  const db = await database();
  databases.push(db);
  return db;
}

const servers = new Set();
after(async () => {
  for (const server of servers) await server.stop();
});

/** A parleyd on a data directory, or on a database. */
async function serve(store) {
  const onMongo = store.startsWith("mongodb:");
  const server = await start(onMongo ? { args: ["--store", store], env } : { dataDir: store, env });
  servers.add(server);
  return server;
}

async function end(server) {
  servers.delete(server);
  await server.stop();
}

/** Ann, bob and cid have chatted: edits, deletes, mentions, a dm, private, archived and deleted channels. */
async function chat(server) {
  const { ann, bob, cid } = await people(server.url, "ann", "bob", "cid");
  const as = (who) => (command, params) => must(server.url, command, params, who.token);
  const [a, b, c] = [as(ann), as(bob), as(cid)];
  const make = async (name, type = "public") => (await a("channel.create", { name, type })).channel.id;
  const general = (await b("channel.get", { channel: "#general" })).channel.id;
  const secret = await make("secret", "private");
  const old = await make("old");
  const gone = await make("gone");
  for (const channel of [old, gone]) await b("channel.join", { channel });
  await a("channel.invite", { channel: secret, user: bob.id });
  const send = async (by, channel, text, id) =>
    (await by("message.send", { channel, text, ...(id ? { client_msg_id: id } : {}) })).message;
  const first = await send(a, general, "hello @bob", "ann-1");
  const typo = await send(b, general, "helo @ann");
  await b("message.edit", { message: typo.id, text: "hello @ann and @cid" });
  const regret = await send(c, general, "words that were regretted");
  await c("message.delete", { message: regret.id });
  for (let i = 0; i < 1200; i += 40) await Promise.all(Array.from({ length: 40 }, (_, n) => send(a, general, `message ${i + n}`)));
  await send(b, secret, "between us");
  await send(b, old, "this was long ago");
  await send(b, gone, "words of a channel that is gone");
  await a("channel.update", { channel: old, name: "older", topic: "what was" });
  await a("channel.archive", { channel: old });
  await a("admin.channel.delete", { channel: gone });
  const dm = (await c("dm.open", { users: [ann.id, bob.id] })).channel.id;
  await send(c, dm, "only we three");
  await b("read.mark", { channel: general, seq: first.seq });
  await c("channel.leave", { channel: general });
  await c("channel.join", { channel: general });
  await a("admin.invite.create", { uses: 2 });
  return { people: { ann, bob, cid }, channels: { general, secret, old, dm } };
}

/** Everything that a person can see: what they are in, with unread counts, all events and all messages. */
async function view(server, person) {
  const client = await Client.open(server.url, { token: person.token });
  const channels = client.started.channels.toSorted((one, other) => (one.id < other.id ? -1 : 1));
  const seen = { user: client.started.user, channels, messages: {}, events: {} };
  for (const { id, epoch } of channels) {
    const page = (command, more) => must(server.url, command, { limit: 200, ...more }, person.token);
    seen.messages[id] = [];
    for (let seq = 0, more = true; more; seq = seen.messages[id].at(-1)?.seq) {
      const answer = await page("message.history", { channel: id, after: seq });
      seen.messages[id].push(...answer.messages);
      more = answer.more_after;
    }
    seen.events[id] = [];
    for (let seq = 0, top = 1; seq < top; seq = seen.events[id].length) {
      const answer = await page("stream.events", { stream: `c:${id}`, epoch, after: seq });
      seen.events[id].push(...answer.events);
      top = answer.seq;
    }
  }
  await client.vanish();
  return seen;
}

async function views(server, { people: all }) {
  const seen = {};
  for (const [name, person] of Object.entries(all)) seen[name] = await view(server, person);
  seen.users = await must(server.url, "user.list", {}, all.ann.token);
  seen.invites = await must(server.url, "admin.invite.list", {}, all.ann.token);
  return seen;
}

/** The same without what a new epoch changes. */
function withoutEpochs(seen) {
  return JSON.parse(JSON.stringify(seen, (key, value) => (key === "epoch" ? undefined : value)));
}

const hashOf = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");
const lastLine = (text) => text.trimEnd().split("\n").at(-1);

describe("a chat", () => {
  let data;
  let world;
  let seen;

  before(async () => {
    data = temporaryFolder();
    const server = await serve(data);
    world = await chat(server);
    seen = await views(server, world);
    await end(server);
  });

  test("moves to MongoDB and back, and everybody sees the same, with the same sessions and passwords", async () => {
    const db = await emptyDatabase();
    const there = JSON.parse(await ctl.ok("migrate", "--json", "--from", data, "--to", db.uri));
    assert.equal(there.users, 3);
    assert.equal(there.invites, 1);
    assert.equal(there.resumed, false);
    const onMongo = await serve(db.uri);
    assert.deepEqual(await views(onMongo, world), seen);
    await login(onMongo.url, "bob");
    const { ann } = world.people;
    const again = await must(
      onMongo.url,
      "message.send",
      { channel: world.channels.general, text: "hello @bob", client_msg_id: "ann-1" },
      ann.token,
    );
    assert.equal(again.message.text, "hello @bob"); // a retry from before is still known
    const more = await must(onMongo.url, "message.send", { channel: world.channels.general, text: "from here on" }, ann.token);
    const now = await views(onMongo, world);
    await end(onMongo);

    const back = join(temporaryFolder(), "made by migrate");
    const { stdout, stderr } = await ctl("migrate", "--from", db.uri, "--to", back);
    assert.match(stdout, /^Copied and verified: 3 accounts, \d+ streams, 1,\d{3} events\.\nThe hash of all events is [0-9a-f]{64}\.\n$/);
    assert.match(stderr, /^copying: 1,\d{3} events in .*\nchecking: 1,\d{3} events in .*\n$/);
    const onSqlite = await serve(back);
    assert.deepEqual(await views(onSqlite, world), now);
    assert.equal(now.ann.messages[world.channels.general].at(-1).id, more.message.id);
    await end(onSqlite);
    assert.ok(!existsSync(join(data, "admin.sock")));
    const source = await serve(data); // which is as it was
    assert.deepEqual(await views(source, world), seen);
    await end(source);
  });

  test("killed at any moment, it goes on where it was", async () => {
    const source = temporaryFolder();
    const server = await serve(source);
    const crowd = await chat(server);
    const before = await views(server, crowd);
    await end(server);
    const db = await emptyDatabase();
    const counted = (collection) => withDriver(db.uri, (client) => client.db(db.name).collection(collection).countDocuments());
    // As soon as there are so many documents: the mark, an account, events that a batch has written and one that it is writing.
    for (const [collection, n] of [["meta", 3], ["users", 1], ["events", 1], ["events", 501]]) {
      const run = ctl.follow("migrate", "--from", source, "--to", db.uri);
      let over = false;
      const ended = run.ended().then((end) => ((over = true), end));
      await eventually(`${n} ${collection}`, async () => over || (await counted(collection)) >= n, 30_000, 1);
      if (!over) process.kill(run.pid, "SIGKILL");
      assert.equal((await ended).signal, "SIGKILL", `it was done before ${n} ${collection} were seen`);
      const refused = await refusal(db.uri);
      assert.match(refused, /only half a copy: a `parleyctl migrate` into it was interrupted\. Run the same command again/);
    }
    const done = JSON.parse(await ctl.ok("migrate", "--json", "--from", source, "--to", db.uri));
    assert.equal(done.resumed, true);
    const onMongo = await serve(db.uri);
    assert.deepEqual(await views(onMongo, crowd), before);
    await end(onMongo);
  });

  test("is backed up from MongoDB while it goes on, and restored as another history", async () => {
    const db = await emptyDatabase();
    await ctl.ok("migrate", "--from", await copyOf(data), "--to", db.uri);
    const server = await serve(db.uri);
    const { ann } = world.people;
    const talk = (async () => {
      for (let i = 0; i < 50; i++) await must(server.url, "message.send", { channel: world.channels.general, text: `meanwhile ${i}` }, ann.token);
    })();
    const file = join(temporaryFolder(), "backup.db");
    const admin = parleyctl({ PARLEY_DATA: server.dataDir });
    assert.match(await admin.ok("backup", file), /Verified: .* is a complete copy/);
    await talk;
    const hash = hashOf(file);
    const now = await views(server, world);
    assert.equal((await admin("backup", file)).status, 1); // it never overwrites
    await end(server);

    for (const to of [join(temporaryFolder(), "restored"), (await emptyDatabase()).uri]) {
      assert.match(await ctl.ok("restore", "--from", file, "--to", to), /^Restored and verified: 3 accounts/);
      assert.equal(hashOf(file), hash);
      const restored = await serve(to);
      const there = await views(restored, world);
      const general = there.ann.messages[world.channels.general];
      const all = now.ann.messages[world.channels.general];
      assert.ok(general.length >= seen.ann.messages[world.channels.general].length && general.length <= all.length);
      assert.deepEqual(general, all.slice(0, general.length));
      for (const channel of there.ann.channels) {
        const original = now.ann.channels.find(({ id }) => id === channel.id);
        assert.notEqual(channel.epoch, original.epoch);
      }
      const others = ({ bob }) => withoutEpochs([bob.messages[world.channels.dm], bob.events[world.channels.secret]]);
      assert.deepEqual(others(there), others(now));
      await end(restored);
      const again = await ctl("restore", "--from", file, "--to", to);
      assert.equal(again.status, 9);
      assert.match(again.stderr, /is not empty|exists/);
    }
  });

  test("is backed up from SQLite and restored into MongoDB", async () => {
    const source = await copyOf(data);
    const server = await serve(source);
    const file = join(temporaryFolder(), "backup.db");
    await parleyctl({ PARLEY_DATA: source }).ok("backup", file);
    await end(server);
    const to = temporaryFolder();
    writeFileSync(join(to, "parley.db-wal"), "of another database");
    assert.match((await ctl("restore", "--from", file, "--to", to)).stderr, /parley\.db-wal: exists, .*: move it away/);
    assert.deepEqual(readdirSync(to), ["parley.db-wal"]);
    const db = await emptyDatabase();
    await ctl.ok("restore", "--from", file, "--to", db.uri);
    const restored = await serve(db.uri);
    const there = await views(restored, world);
    assert.deepEqual(withoutEpochs(there), withoutEpochs(seen));
    assert.notEqual(there.ann.channels[0].epoch, seen.ann.channels[0].epoch);
    await end(restored);
  });

  test("an address may come from a file, and is not shown", async () => {
    const db = await emptyDatabase();
    const file = join(temporaryFolder(), "store-uri");
    writeFileSync(file, `${db.uri}\n`);
    chmodSync(file, 0o600);
    await ctl.ok("migrate", "--from", await copyOf(data), "--to", `@${file}`);
    const silent = createServer().listen(0, "127.0.0.1"); // takes connections, and never answers
    await once(silent, "listening");
    const { port } = silent.address();
    const options = "connectTimeoutMS=500&serverSelectionTimeoutMS=500";
    const run = ctl.follow("migrate", "--from", data, "--to", `mongodb://joe:hush@127.0.0.1:${port}/x?${options}`);
    await Promise.race([once(silent, "connection"), run.ended()]);
    assert.doesNotMatch(readFileSync(`/proc/${run.pid}/cmdline`, "utf8"), /hush/);
    const { status, stderr } = await run.ended();
    assert.equal(status, 9);
    silent.close();
    assert.match(stderr, /mongodb:\/\/127\.0\.0\.1:\d+\/x: .*see that it runs/);
    assert.doesNotMatch(stderr, /hush|joe/);
  });
});

/** What a parleyd says that does not start on this store. */
async function refusal(store) {
  try {
    await serve(store);
  } catch (error) {
    return error.message;
  }
  throw new Error("parleyd has started");
}

/** A data directory of a server that has ended, copied. */
async function copyOf(data) {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "parley.db"), readFileSync(join(data, "parley.db")));
  return folder;
}

describe("wrong sources and targets", () => {
  test("are refused with a sentence, and left as they are", async () => {
    const data = temporaryFolder();
    const server = await serve(data);
    await people(server.url, "ann");
    const used = await ctl("migrate", "--from", data, "--to", join(temporaryFolder(), "to"));
    assert.equal(used.status, 9);
    assert.match(used.stderr, new RegExp(`in use by another parleyd \\(process ${server.pid}\\)`));
    await end(server);

    const other = temporaryFolder();
    const another = await serve(other);
    await people(another.url, "bob");
    await end(another);
    const db = await emptyDatabase();
    const node = await serve(db.uri);
    await people(node.url, "cid");
    await end(node);
    const newer = await emptyDatabase();
    await withDriver(newer.uri, (client) => client.db(newer.name).collection("meta").insertOne({ _id: "schema", version: 99 }));
    const file = join(temporaryFolder(), "no directory");
    writeFileSync(file, "");
    const none = temporaryFolder();
    mkdirSync(join(none, "empty"));
    const rows = [
      [["migrate", "--from", data, "--to", other], /the target is not empty/],
      [["migrate", "--from", data, "--to", db.uri], /the target is not empty/],
      [["migrate", "--from", data, "--to", newer.uri], /written by a newer Parley \(schema 99/],
      [["migrate", "--from", newer.uri, "--to", join(none, "x")], /written by a newer Parley \(schema 99/],
      [["migrate", "--from", join(none, "empty"), "--to", db.uri], /there is no database at/],
      [["migrate", "--from", (await emptyDatabase()).uri, "--to", join(none, "y")], /there is no Parley database/],
      [["migrate", "--from", data, "--to", file], /no directory/],
      [["migrate", "--from", data, "--to", data], /in use by another parleyd/],
      [["migrate", "--from", data, "--to", join(none, "a", "b")], /cannot make the directory/],
      [["migrate", "--from", "mongodb://host:port/x", "--to", data], /not well-formed/],
      [["restore", "--from", join(data, "parley.db"), "--to", join(none, "z")], /not a backup/],
      [["restore", "--from", join(none, "no.db"), "--to", join(none, "z")], /cannot be read: No such file/],
    ];
    for (const [args, message] of rows) {
      const { status, stdout, stderr } = await ctl(...args);
      assert.equal(status, 9, `${args}: ${stderr}`);
      assert.match(stderr, message, `${args}`);
      assert.equal(stdout, "");
    }
    for (const [args, message] of [
      [["migrate", "--from", data], /migrate wants --to/],
      [["migrate", "--to", data], /migrate wants --from/],
      [["restore", "--from", "x", "--to", "y", "--data", data], /not through a server/],
      [["migrate", "--from", data, "--to", `@${file}`], /is empty|not a mongodb/],
    ]) {
      const { status, stderr } = await ctl(...args);
      assert.ok(status === 2 || status === 9, `${args}: ${status}`);
      assert.match(stderr, message);
    }
    const still = await serve(other);
    await login(still.url, "bob");
    assert.equal((await call(still.url, "auth.login", { name: "ann", password: "correct horse battery" })).status, 401);
    assert.equal(readdirSync(join(none, "empty")).length, 0);
    assert.match(lastLine(still.log()), /./);
  });
});
