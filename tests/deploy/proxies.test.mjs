// The samples of deploy/proxy/ in front of real parleyds: each proxy's Debian package runs its sample, with nothing changed in it
// but names, ports and the places of files.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { Client } from "../lib/client.mjs";
import { call, start, temporaryFolder, within } from "../lib/parleyd.mjs";
import { eventually } from "../lib/process.mjs";

const PASSWORD = "correct horse battery";
const CLIENT = "127.0.0.66"; // where the client comes from; the proxy itself is 127.0.0.1
const path = (name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const CERT = path("tests/integration/tls/cert.pem");
const KEY = path("tests/integration/tls/key.pem");
const ca = readFileSync(CERT);

const running = new Set();
const servers = [];
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));
after(async () => {
  await Promise.all([...running].map(stop));
  await Promise.all(servers.map((server) => server.stop()));
});

// --- The proxies -----------------------------------------------------------------------------------------------------

/** TEXT with each of the pairs [what is there, what comes in its place]; each must be there. */
function changed(text, pairs) {
  for (const [from, to] of pairs) {
    assert.ok(text.includes(from), `the sample no longer has: ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

const sample = (name) => readFileSync(path(`deploy/proxy/${name}`), "utf8");
const put = (folder, name, text) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

const PROXIES = {
  nginx(folder, { http, https }, nodes) {
    const site = changed(sample("nginx.conf"), [
      ["server 127.0.0.1:8080 max_fails=1 fail_timeout=5s;", nodes.map((node) => `server ${node} max_fails=1 fail_timeout=5s;`).join("\n")],
      ["listen 80;", `listen 127.0.0.1:${http};`],
      ["listen 443 ssl;", `listen 127.0.0.1:${https} ssl;`],
      ["/etc/ssl/parley/fullchain.pem", CERT],
      ["/etc/ssl/parley/privkey.pem", KEY],
      ["https://$host$request_uri", `https://$host:${https}$request_uri`],
    ]);
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${folder}/${kind};`);
    const config = put(folder, "nginx.conf", `
      daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr;
      events { worker_connections 256; }
      http { access_log off; ${temporary.join(" ")}\n${site}\n}`);
    return ["nginx", "-p", folder, "-c", config];
  },

  haproxy(folder, { http, https }, nodes) {
    const pair = put(folder, "pair.pem", readFileSync(CERT, "utf8") + readFileSync(KEY, "utf8"));
    const config = changed(sample("haproxy.cfg"), [
      ["server node1 127.0.0.1:8080", nodes.map((node, i) => `server node${i + 1} ${node}`).join("\n    ")],
      ["#server node2 10.0.0.2:8080", ""],
      ["bind :80", `bind 127.0.0.1:${http}`],
      ["bind :443 ", `bind 127.0.0.1:${https} `],
      ["/etc/ssl/parley/fullchain-and-key.pem", pair],
      ["redirect scheme https", `redirect location https://127.0.0.1:${https}%[pathq]`],
      ["maxconn 100000", "maxconn 200"],
    ]);
    return ["haproxy", "-db", "-f", put(folder, "haproxy.cfg", config)];
  },

  caddy(folder, { http, https }, nodes) {
    const site = changed(sample("Caddyfile"), [
      ["chat.example.org {", `https://127.0.0.1:${https} {\n\ttls ${CERT} ${KEY}`],
      ["reverse_proxy 127.0.0.1:8080 {", `reverse_proxy ${nodes.join(" ")} {`],
    ]);
    const config = put(folder, "Caddyfile", `{\n\tadmin off\n\thttp_port ${http}\n\thttps_port ${https}\n\tdefault_bind 127.0.0.1\n}\n${site}`);
    return ["caddy", "run", "--adapter", "caddyfile", "--config", config];
  },
};

/** A port that nobody listens on. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function stop(child) {
  child.kill("SIGTERM");
  return within(20_000, `the end of ${child.spawnargs[0]}`, child.ended);
}

/** The proxy NAME in front of the servers: { url, plain }. */
async function proxy(name, targets) {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "logs"));
  const ports = { http: await freePort(), https: await freePort() };
  const argv = PROXIES[name](folder, ports, targets.map((server) => new URL(server.url).host));
  const child = spawn(argv[0], argv.slice(1), {
    env: { PATH: `${process.env.PATH}:/usr/sbin`, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (log += text));
  child.ended = new Promise((resolve) => {
    child.on("error", (error) => resolve(`${error}`));
    child.on("exit", (code, signal) => {
      running.delete(child);
      resolve(`exit ${code} ${signal}`);
    });
  });
  child.ended.then((end) => (log += `\n${end}`));
  const url = `https://127.0.0.1:${ports.https}`;
  const answers = () => ask(url, "GET", "/readyz").then(({ status }) => status === 200, () => false);
  try {
    await eventually(`${name} in front of parleyd`, answers, 20_000);
  } catch (error) {
    throw new Error(`${error.message}\n${log}`);
  }
  return { url, plain: `http://127.0.0.1:${ports.http}`, stop: () => stop(child) };
}

/** One request over HTTPS on a connection of its own: { status, headers, body }. */
function ask(url, method, target, { params, headers = {} } = {}) {
  const text = params && JSON.stringify(params);
  const type = text ? { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) } : {};
  const options = { method, ca, agent: false, localAddress: CLIENT, headers: { ...type, ...headers } };
  const answer = new Promise((resolve, reject) => {
    const outgoing = request(`${url}${target}`, options, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    outgoing.on("error", reject);
    outgoing.end(text);
  });
  return within(20_000, `${method} ${target}`, answer);
}

async function command(url, name, params, headers) {
  const answer = await ask(url, "POST", `/api/v1/${name}`, { params, headers });
  assert.match(answer.headers["content-type"] ?? "nothing", /json/, `${name}: ${answer.status} ${answer.body}`);
  return { ...answer, body: JSON.parse(answer.body) };
}

async function serve(args = []) {
  const server = await start({ args: ["--trusted-proxies", "127.0.0.1", ...args] });
  servers.push(server);
  return server;
}

// --- What each must do -----------------------------------------------------------------------------------------------

for (const name of Object.keys(PROXIES)) {
  describe(name, () => {
    test("chats over WebSocket and HTTPS, as who they are and from where they are", async () => {
      const server = await serve(["--heartbeat-ms", "1000"]);
      const { url, plain, stop: end } = await proxy(name, [server]);
      const lie = { "X-Forwarded-For": "203.0.113.1", "X-Forwarded-Proto": "http", "X-Real-IP": "203.0.113.1" };

      const page = await ask(url, "GET", "/");
      assert.equal(page.status, 200);
      assert.match(page.body, /<title>Parley/);
      assert.equal((await ask(url, "GET", "/metrics")).status, 404);
      const redirect = await fetch(`${plain}/x?y=1`, { redirect: "manual" });
      assert.ok([301, 308].includes(redirect.status), `status ${redirect.status}`);
        // Caddy takes it that the world sees its port as 443.
      assert.equal(redirect.headers.get("location"), `${name === "caddy" ? "https://127.0.0.1" : url}/x?y=1`);

      const ann = await command(url, "auth.register", { name: "ann", password: PASSWORD }, lie);
      assert.equal(ann.status, 200, JSON.stringify(ann.body));
      const cookie = ann.headers["set-cookie"][0];
      assert.match(cookie, /; Secure/);
      const { body } = await command(url, "auth.sessions", {}, { Authorization: `Bearer ${ann.body.token}` });
      assert.equal(body.sessions[0].address, CLIENT);

      // A page with its cookie, a program with its token.
      const browser = await Client.open(url, { ca, headers: { Origin: url, Cookie: cookie.split(";")[0] } });
      const program = await Client.open(url, { ca, token: ann.body.token });
      await assert.rejects(Client.open(url, { ca, headers: { Origin: plain, Cookie: cookie.split(";")[0] } }), /403/);
      const channel = browser.started.channels[0].id;
      const long = "x".repeat(16_000);
      for (const text of ["over the proxy", long]) {
        await browser.request("message.send", { channel, text });
        await program.event("message.created", ({ message }) => message.text === text);
      }
      const posted = await command(url, "message.send", { channel, text: "over HTTPS" }, { Authorization: `Bearer ${ann.body.token}` });
      assert.equal(posted.status, 200);
      await browser.event("message.created", ({ message }) => message.text === "over HTTPS");

      // Pings pass, so that the silence of a heartbeat is never longer than what the proxy bears.
      let pings = 0;
      await within(20_000, "three pings", new Promise((resolve) => program.socket.on("ping", () => ++pings === 3 && resolve())));
      await browser.close();
      await program.close();
      await end();
    });

    test("a node that stops gets nothing new, and whom it served goes on at another", async () => {
      const nodes = [await serve(), await serve()];
      const { url, stop: end } = await proxy(name, nodes);
      const node = async () => (await command(url, "server.info", {})).body.node;
      const own = await Promise.all(nodes.map(async (server) => (await call(server.url, "server.info")).body.node));
      await eventually("requests at both nodes", async () => {
        const seen = new Set();
        for (let i = 0; i < 8; i++) seen.add(await node());
        return seen.size === 2;
      });
      const clients = [];
      const idOf = async (client) => (await client.request("server.info")).node;
      await eventually("a connection at each node", async () => {
        const client = new Client(url, { ca });
        await client.opened;
        clients.push(client);
        const at = await Promise.all(clients.map(idOf));
        return own.every((id) => at.includes(id));
      });
      const [leaving, staying] = own;
      const served = [];
      for (const client of clients) served.push({ client, at: await idOf(client) });

      const stopped = nodes[0].stop();
      for (const { client } of served.filter(({ at }) => at === leaving)) await within(20_000, "the close", client.ended);
      for (let i = 0; i < 10; i++) assert.equal(await node(), staying);
      const again = new Client(url, { ca });
      await again.opened;
      assert.equal(await idOf(again), staying);
      for (const { client } of served.filter(({ at }) => at === staying)) {
        assert.equal(client.closed, null);
        await client.close();
      }
      await again.close();
      assert.equal((await stopped).code, 0);
      await end();
    });
  });
}
