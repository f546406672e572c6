// mongodb+srv://: a DNS of this file's own names the servers. They stand behind a TLS proxy, because TLS is what such an address means
// unless it says otherwise.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Client } from "../lib/client.mjs";
import { noDns, startDns } from "../lib/dns.mjs";
import { startMongo } from "../lib/mongo.mjs";
import { refusal, start } from "../lib/parleyd.mjs";
import { must, people } from "../lib/people.mjs";
import { startScripted } from "../lib/scripted_mongo.mjs";
import { authority, startTls } from "../lib/tls.mjs";

const { PARLEYD } = process.env;
const REFUSED_MS = process.env.PARLEY_MODE === "release" ? 12_000 : 30_000; // of that the resolver may wait, for two names

describe("mongodb+srv", { skip: noDns }, () => {
  const ca = authority();
  const dbs = [];
  let mongo;
  let proxy;
  let dns;
  before(async () => {
    mongo = await startMongo({ users: [{ user: "parley", pwd: "hush-hush" }] });
    proxy = await startTls(mongo.port, ca.issue("DNS:one.parley.test"));
    const behindTls = [{ port: proxy.port, target: "one.parley.test" }];
    const node = { A: ["127.0.0.1"] };
    dns = await startDns({
      "_mongodb._tcp.db.parley.test": { SRV: behindTls },
      "db.parley.test": { TXT: ["authSource=admin"] },
      "_mongodb._tcp.other.parley.test": { SRV: [{ port: proxy.port, target: "two.parley.test" }] },
      "_mongodb._tcp.plain.parley.test": { SRV: [{ port: mongo.port, target: "one.parley.test" }] },
      "plain.parley.test": { TXT: ["authSource=admin"] },
      "_mongodb._tcp.astray.parley.test": { SRV: [{ port: proxy.port, target: "one.elsewhere.test" }] },
      "_mongodb._tcp.bold.parley.test": { SRV: behindTls },
      "bold.parley.test": { TXT: ["tls=false"] },
      "_mongodb._tcp.many.parley.test": { SRV: behindTls },
      "many.parley.test": { TXT: ["authSource=admin", "authSource=parley"] },
      "_mongodb._tcp.empty.parley.test": { TXT: ["x=y"] },
      "one.parley.test": node,
      "two.parley.test": node,
      "one.elsewhere.test": node,
    });
  });
  after(async () => {
    await dns?.close();
    await proxy?.close();
    await mongo?.remove();
  });

  const address = (host, options) => `mongodb+srv://parley:hush-hush@${host}/parley_${dbs.push(host)}?${options}`;
  const trust = () => `tlsCAFile=${ca.file}`;
  const asking = (store) => ({ program: dns.program(PARLEYD), env: { PARLEY_STORE: store, PARLEY_RATE_LIMITS: "off" } });

  async function chats(server) {
    const { ann, bob } = await people(server.url, "ann", "bob");
    const client = await Client.open(server.url, { token: bob.token });
    const { channel } = await must(server.url, "channel.get", { channel: "#general" }, ann.token);
    await must(server.url, "message.send", { channel: channel.id, text: "found" }, ann.token);
    await client.event("message.created", (params) => params.message.text === "found");
    await client.close();
  }

  async function isRefused(store, message) {
    const { code, log, ms } = await refusal(asking(store));
    assert.equal(code, 1, log);
    assert.ok(ms < REFUSED_MS, `after ${ms} ms`);
    assert.match(log.trimEnd().split("\n").at(-1), message);
    assert.doesNotMatch(log, /hush/);
  }

  test("finds the servers and how to sign in, and talks TLS without being told", async () => {
    const server = await start(asking(address("db.parley.test", trust())));
    await chats(server);
    await server.stop();
    for (const asked of ["SRV _mongodb._tcp.db.parley.test", "TXT db.parley.test", "A one.parley.test"]) assert.ok(dns.asked.includes(asked), asked);
    assert.ok(proxy.sessions > 0);
    assert.doesNotMatch(server.log(), /hush/);
  });

  test("signs in where the DNS says", async () => {
    const asked = [];
    const server = await startScripted({
      answer: (command) => {
        if (command.saslStart) asked.push(command.$db);
        return { ok: 0, code: 18, codeName: "AuthenticationFailed", errmsg: "Authentication failed." };
      },
    });
    const elsewhere = await startDns({
      "_mongodb._tcp.db.parley.test": { SRV: [{ port: server.port, target: "one.parley.test" }] },
      "db.parley.test": { TXT: ["authSource=people"] },
      "one.parley.test": { A: ["127.0.0.1"] },
    });
    const store = address("db.parley.test", "tls=false");
    const { code, log } = await refusal({ program: elsewhere.program(PARLEYD), env: { PARLEY_STORE: store } });
    await elsewhere.close();
    await server.close();
    assert.equal(code, 1, log);
    assert.match(log, /mongodb\+srv:\/\/db\.parley\.test\/.*check user, password, authSource/);
    assert.deepEqual(asked, ["people"]);
  });

  test("talks without TLS if told so", async () => {
    const before = proxy.sessions;
    const server = await start(asking(address("plain.parley.test", "tls=false")));
    await chats(server);
    await server.stop();
    assert.equal(proxy.sessions, before);
  });

  test("checks the certificate for the name that the DNS gave", async () => {
    await isRefused(address("other.parley.test", `${trust()}&authSource=admin`), /Hostname mismatch.*is for another name/i);
    await isRefused(address("db.parley.test", ""), /not trusted: name the one of its authority as tlsCAFile/);
  });

  test("says which record is not there", async () => {
    const remedy = "see what the DNS has as SRV and TXT records of this name";
    await isRefused(address("none.parley.test", trust()), new RegExp(`mongodb\\+srv://none\\.parley\\.test/.*SRV record "_mongodb\\._tcp\\.none\\.parley\\.test".*${remedy}`));
    await isRefused(address("empty.parley.test", trust()), new RegExp(`SRV.*_mongodb\\._tcp\\.empty\\.parley\\.test.*${remedy}`));
  });

  test("takes no servers outside of its domain, and no option from the DNS that weakens it", async () => {
    const before = proxy.sessions;
    await isRefused(address("astray.parley.test", trust()), /one\.elsewhere\.test|Invalid host/);
    await isRefused(address("bold.parley.test", trust()), /prohibited in TXT record/);
    await isRefused(address("many.parley.test", trust()), /Multiple TXT records/);
    assert.equal(proxy.sessions, before);
  });

  test("gives up a DNS that does not answer", async () => {
    const silent = await startDns({});
    await silent.close();
    const store = address("db.parley.test", trust());
    const { code, log, ms } = await refusal({ program: silent.program(PARLEYD), env: { PARLEY_STORE: store } });
    assert.equal(code, 1, log);
    assert.ok(ms < REFUSED_MS, `after ${ms} ms`);
    assert.match(log, /SRV record "_mongodb\._tcp\.db\.parley\.test".*see what the DNS has/);
  });
});
