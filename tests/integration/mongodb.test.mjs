// How a MongoDB is connected to: TLS, certificates, signing in, and what is said when it does not work. The server is one of this
// file's own, by TLS and with users; what it cannot be brought to do, a proxy with other certificates does, or a scripted server.

import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { BSON } from "mongodb";

import { Client } from "../lib/client.mjs";
import { database, startMongo, uriOf, withDriver } from "../lib/mongo.mjs";
import { parleyctl } from "../lib/parleyctl.mjs";
import { refusal, start, temporaryFolder } from "../lib/parleyd.mjs";
import { login, must, people } from "../lib/people.mjs";
import { eventually } from "../lib/process.mjs";
import { startScripted } from "../lib/scripted_mongo.mjs";
import { authority, startTls } from "../lib/tls.mjs";

const REFUSED_MS = process.env.PARLEY_MODE === "release" ? 6000 : 15_000; // the driver tries for 2 s
const USER = "par ley@x";
const PASSWORD = "p@ss:w/rd?%hush";
const PASSPHRASE = "open-hush";
const SECRET = /hush|p@ss|p%40ss/; // no password of this file, and no part of one
const credentials = `${encodeURIComponent(USER)}:${encodeURIComponent(PASSWORD)}`;

const ca = authority();
const stranger = authority("Another CA");
const own = ca.issue("IP:127.0.0.1");
const ctl = parleyctl();

let mongo; // by TLS, for USER alone
let shared; // plain, for everybody
let plainPort;
before(async () => {
  mongo = await startMongo({ tls: own.file, users: [{ user: USER, pwd: PASSWORD }] });
  shared = await database();
  plainPort = Number(new URL(shared.uri).port);
});
after(async () => {
  await mongo?.remove();
  await shared?.drop();
});

let databases = 0;
const trust = `tls=true&tlsCAFile=${ca.file}`;
/** An address of the server by TLS; each time of another database. */
const secure = (options = `${trust}&authSource=admin`, who = `${credentials}@`, name = `parley_${++databases}`) =>
  `mongodb://${who}127.0.0.1:${mongo.port}/${name}${options ? `?${options}` : ""}`;
const plain = (options, port = plainPort) => `mongodb://127.0.0.1:${port}/${shared.name}?${options}`;

const serve = (store, env = {}) => start({ env: { PARLEY_STORE: store, PARLEY_RATE_LIMITS: "off", ...env } });

/** Two who chat through SERVER: what the second one gets of the first. */
async function chats(server, from, to) {
  const client = await Client.open(server.url, { token: to.token });
  const { channel } = await must(server.url, "channel.get", { channel: "#general" }, from.token);
  const text = `hello at ${Date.now()}`;
  await must(server.url, "message.send", { channel: channel.id, text }, from.token);
  await client.event("message.created", (params) => params.message.text === text);
  await client.close();
  return text;
}

/** No parleyd starts on STORE, nothing is copied to it, and both say why in a sentence, without a password. */
async function isRefused(store, message) {
  const [{ code, log, ms }, { status, stderr }] = await Promise.all([
    refusal({ env: { PARLEY_STORE: store } }),
    ctl("migrate", "--from", store, "--to", join(temporaryFolder(), "to")),
  ]);
  assert.equal(code, 1, log);
  assert.ok(ms < REFUSED_MS, `after ${ms} ms`);
  assert.match(log.trimEnd().split("\n").at(-1), message);
  assert.equal(status, 9, stderr);
  assert.match(stderr, message);
  assert.doesNotMatch(log + stderr, SECRET);
}

describe("over TLS, as a user whose name and password are percent-encoded", () => {
  test("parleyd chats, goes on where it was, and tells nobody the password", async () => {
    const store = secure();
    const server = await serve(store, { PARLEY_LOG_LEVEL: "debug" });
    const { ann, bob } = await people(server.url, "ann", "bob");
    const text = await chats(server, ann, bob);
    const said = [server.log(), server.out(), readFileSync(`/proc/${server.pid}/cmdline`, "utf8")];
    for (const path of ["/metrics", "/readyz", "/healthz"]) said.push(await (await fetch(server.url + path)).text());
    said.push(await parleyctl({ PARLEY_DATA: server.dataDir }).ok("stats"));
    await server.stop();
    const again = await serve(store);
    const { channel } = await must(again.url, "channel.get", { channel: "#general" }, ann.token);
    const { messages } = await must(again.url, "message.history", { channel: channel.id }, ann.token);
    assert.equal(messages.at(-1).text, text);
    await again.stop();
    assert.doesNotMatch(said.join("\n"), SECRET);
  });

  test("a database that goes away is said to be away without the password, and comes back", async () => {
    const server = await serve(secure());
    const { ann, bob } = await people(server.url, "ann", "bob");
    await mongo.stop();
    const reason = await eventually("readyz fails", async () => {
      const answer = await fetch(`${server.url}/readyz`);
      return answer.status === 503 && (await answer.text());
    });
    await mongo.start();
    await eventually("readyz is well", async () => (await fetch(`${server.url}/readyz`)).status === 200);
    await chats(server, ann, bob);
    await server.stop();
    assert.match(reason, /127\.0\.0\.1/);
    assert.doesNotMatch(reason + server.log(), SECRET);
  });

  test("parleyctl copies there and back, backs up and restores by the same address", async () => {
    const data = temporaryFolder();
    const first = await start({ dataDir: data });
    const { ann, bob } = await people(first.url, "ann", "bob");
    const text = await chats(first, ann, bob);
    await first.stop();

    const store = secure();
    const file = join(temporaryFolder(), "store-uri");
    writeFileSync(file, `${store}\n`);
    chmodSync(file, 0o600);
    await ctl.ok("migrate", "--from", data, "--to", `@${file}`);
    const server = await start({ env: { PARLEY_STORE_FILE: file } });
    const backup = join(temporaryFolder(), "backup.db");
    await parleyctl({ PARLEY_DATA: server.dataDir }).ok("backup", backup);
    await server.stop();
    const back = join(temporaryFolder(), "back");
    await ctl.ok("migrate", "--from", store, "--to", back);
    const restored = secure();
    await ctl.ok("restore", "--from", backup, "--to", restored);

    for (const there of [await start({ dataDir: back }), await serve(restored)]) {
      const { token } = await login(there.url, "bob");
      const { channel } = await must(there.url, "channel.get", { channel: "#general" }, token);
      const { messages } = await must(there.url, "message.history", { channel: channel.id }, token);
      assert.equal(messages.at(-1).text, text);
      await there.stop();
    }
  });
});

describe("a server", () => {
  test("whose certificate nobody trusts is refused", async () => {
    await isRefused(secure("tls=true&authSource=admin"), /certificate verify failed.*name the one of its authority as tlsCAFile/);
    await isRefused(secure(`tls=true&tlsCAFile=${stranger.file}`), /not trusted: name the one of its authority as tlsCAFile/);
  });

  test("whose certificate is for another name, or has expired, is refused", async () => {
    const rows = [
      [ca.issue("DNS:other.parley.test"), /address mismatch.*is for another name/],
      [ca.issue("IP:127.0.0.1", { days: -1 }), /has expired.*valid today/],
    ];
    for (const [certificate, message] of rows) {
      const proxy = await startTls(plainPort, certificate);
      await isRefused(plain(trust, proxy.port), message);
      assert.equal(proxy.sessions, 0);
      await proxy.close();
    }
  });

  test("that talks TLS is not taken for one that does not, nor the other way round", async () => {
    await isRefused(secure(""), /whether it wants TLS \(tls=true\)/);
    await isRefused(plain(trust), /see that it runs, that it talks TLS/);
  });

  test("that never answers is given up", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    for (const options of ["", trust]) await isRefused(plain(options, silent.address().port), /see that it runs/);
    silent.close();
  });

  test("that is older than MongoDB 6 is refused", async () => {
    for (const [hello, message] of [
      [{ maxWireVersion: 13 }, /older than MongoDB 6/],
      [{ maxWireVersion: 3 }, /wire version 3.*MongoDB 6/],
    ]) {
      const old = await startScripted({ hello });
      await isRefused(`${old.uri}x`, message);
      await old.close();
    }
  });
});

describe("a server that wants a certificate", () => {
  let proxy;
  before(async () => {
    proxy = await startTls(plainPort, own, { ca });
  });
  after(() => proxy.close());
  const own_ = (file, more = "") => plain(`${trust}&tlsCertificateKeyFile=${file}${more}`, proxy.port);

  test("gets the one in tlsCertificateKeyFile, whose key may be encrypted", async () => {
    const { file } = ca.issue("DNS:client", { passphrase: PASSPHRASE });
    const server = await serve(own_(file, `&tlsCertificateKeyFilePassword=${PASSPHRASE}`));
    const { ann, bob } = await people(server.url, "ann", "bob");
    await chats(server, ann, bob);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    await server.stop();
    assert.doesNotMatch(metrics + server.log(), SECRET);
    const clear = await serve(own_(ca.issue("DNS:client").file));
    await login(clear.url, "ann");
    await clear.stop();
    assert.ok(proxy.sessions > 0);
  });

  test("refuses none, and that of a stranger", async () => {
    await isRefused(plain(trust, proxy.port), /whether it wants a certificate \(tlsCertificateKeyFile\)/);
    await isRefused(own_(stranger.issue("DNS:client").file), /accepts the certificate in tlsCertificateKeyFile/);
  });
});

describe("a file", () => {
  test("that does not hold what the address says is named", async () => {
    const empty = join(temporaryFolder(), "empty.pem");
    writeFileSync(empty, "");
    const one = ca.issue("DNS:client");
    const other = ca.issue("DNS:client");
    const mixed = join(temporaryFolder(), "mixed.pem");
    writeFileSync(mixed, readFileSync(one.cert, "utf8") + readFileSync(other.key, "utf8"));
    const encrypted = ca.issue("DNS:client", { passphrase: PASSPHRASE }).file;
    const rows = [
      ["tlsCAFile=/nonexistent/ca.pem", /tlsCAFile, \/nonexistent\/ca\.pem: No such file/],
      [`tlsCAFile=${empty}`, /tlsCAFile, .*empty\.pem: there is no certificate in it/],
      ["tlsCertificateKeyFile=/nonexistent/own.pem", /tlsCertificateKeyFile, \/nonexistent\/own\.pem: No such file/],
      [`tlsCertificateKeyFile=${one.key}`, /tlsCertificateKeyFile, .*: there is no certificate in it/],
      [`tlsCertificateKeyFile=${one.cert}`, /tlsCertificateKeyFile, .*: there is no key in it/],
      [`tlsCertificateKeyFile=${mixed}`, /tlsCertificateKeyFile, .*: there is no key in it that belongs to its certificate/],
      [`tlsCertificateKeyFile=${encrypted}`, /its key is encrypted: add tlsCertificateKeyFilePassword/],
      [`tlsCertificateKeyFile=${encrypted}&tlsCertificateKeyFilePassword=wrong-hush`, /tlsCertificateKeyFilePassword does not open its key/],
    ];
    for (const [options, message] of rows) await isRefused(secure(`tls=true&${options}`), message);
  });
});

describe("signing in", () => {
  test("with a wrong name, password, source or mechanism, or not at all, is refused with what to look at", async () => {
    const look = /check user, password, authSource and authMechanism/;
    const options = `${trust}&authSource=admin`;
    await isRefused(secure(options, `${encodeURIComponent(USER)}:wrong-hush@`), look);
    await isRefused(secure(options, "nobody:hush@"), look);
    for (const mechanism of ["PLAIN", "MONGODB-CR", "NONSENSE"]) await isRefused(secure(`${options}&authMechanism=${mechanism}`), look);
    await isRefused(secure(options, ""), /requires authentication: put a user and a password into the address/);
  });

  test("happens in the database that authSource names, or that of the address, or admin", async () => {
    for (const [path, database] of [["x?authSource=people", "people"], ["x", "x"], ["", "admin"]]) {
      const asked = [];
      const server = await startScripted({
        answer: (command) => {
          if (command.saslStart) asked.push(command.$db);
          return { ok: 0, code: 18, codeName: "AuthenticationFailed", errmsg: "Authentication failed." };
        },
      });
      await isRefused(`mongodb://joe:hush@127.0.0.1:${server.port}/${path}`, /check user, password, authSource/);
      assert.ok(asked.length >= 2 && asked.every((name) => name === database), `${path}: ${asked}`);
      await server.close();
    }
  });

  test("works by each SCRAM that the server offers", async () => {
    const offered = await withDriver(uriOf(secure(), "admin"), async (client) => {
      const { saslSupportedMechs } = await client.db("admin").command({ hello: 1, saslSupportedMechs: `admin.${USER}` });
      return saslSupportedMechs ?? ["SCRAM-SHA-256"];
    });
    for (const mechanism of offered) {
      const server = await serve(secure(`${trust}&authSource=admin&authMechanism=${mechanism}`));
      await people(server.url, "ann");
      await server.stop();
    }
  });

  test("as somebody without rights on the database is refused with the role that is missing", async () => {
    const server = await startScripted({
      answer: (command) => (command.authenticate ? { ok: 1 } : { ok: 0, code: 13, codeName: "Unauthorized", errmsg: "not authorized on x to execute command" }),
    });
    const proxy = await startTls(server.port, own, { ca });
    const options = `${trust}&tlsCertificateKeyFile=${ca.issue("DNS:client").file}&authMechanism=MONGODB-X509`;
    await isRefused(plain(options, proxy.port), /not authorized on x.*give its user the role readWrite/);
    await proxy.close();
    await server.close();
  });
});

describe("an address", () => {
  test("that is wrong is refused with what is wrong with it, and without what may be a password", async () => {
    const host = "127.0.0.1:1";
    const rows = [
      [`mongodb://joe:hu@sh-hush@${host}/x`, /"@" only ends user and password; .* "%40"/],
      [`mongodb://joe:1/hush@${host}/x`, /"\/" in a password "%2F"/],
      [`mongodb://joe:1?a=hush@${host}/x`, /"\?" "%3F"/],
      [`mongodb://joe:h:hush@${host}/x`, /not percent-encoded \(":" as %3A/],
      [`mongodb://joe:hush%zz@${host}/x`, /not percent-encoded .*"%" as %25/],
      [`mongodb://:hush@${host}/x`, /there is no user/],
      [`mongodb://joe:hush@${host}/x?tls=maybe`, /Unsupported value for "tls": "maybe"/],
      [`mongodb://joe:hush@${host}/x?tls`, /"tls" contains no "=" sign/],
      [`mongodb://${host}/x?tls=true&tlsCertificateKeyFilePassword=a&hush`, /not well-formed: use/],
      ["mongodb://joe:hush@host:port/x", /Invalid host/],
      ["mongodb://", /not well-formed/],
      [`mongodb://joe@${host}/x?authMechanism=MONGODB-X509`, /signs in with the certificate in tlsCertificateKeyFile/],
      ["mongodb+srv://joe:hush@localhost/x", /Invalid service name/],
      ["mongodb+srv://joe:hush@a.b.parley.test:27017/x", /Port numbers are prohibited|Invalid service name/],
    ];
    for (const [address, message] of rows) await isRefused(address, message);
  });

  test("does not decide how safely is written", async () => {
    const concerns = [];
    const server = await startScripted({
      answer: (command) => {
        if (command.find) return { ok: 1, cursor: { id: BSON.Long.ZERO, ns: "x.meta", firstBatch: [] } };
        if (command.update) concerns.push(command.writeConcern);
        return { ok: 0, code: 13, codeName: "Unauthorized", errmsg: "not authorized" };
      },
    });
    const { code, log } = await refusal({ env: { PARLEY_STORE: `${server.uri}x?w=0&journal=false&retryWrites=true` } });
    await server.close();
    assert.equal(code, 1, log);
    assert.deepEqual(concerns, [{ w: "majority", j: true }]);
  });

  test("that allows fewer connections than the server takes is refused", async () => {
    const { code, log } = await refusal({ env: { PARLEY_STORE: plain("maxPoolSize=2") } });
    assert.equal(code, 1);
    assert.match(log, /allows 2 connections \(maxPoolSize\), and this server takes 4/);
    const server = await serve(plain("maxPoolSize=4"));
    const { status } = await fetch(`${server.url}/readyz`);
    await server.stop();
    assert.equal(status, 200);
  });
});
