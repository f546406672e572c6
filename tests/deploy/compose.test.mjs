// The containers of deploy/ for real: an engine of our own, the image built, one node and then the whole cluster started with the
// commands that a person types, chatted through, and harmed.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { Client } from "../lib/client.mjs";
import { call } from "../lib/parleyd.mjs";
import { eventually } from "../lib/process.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const DIR = join(mkdtempSync(join(tmpdir(), "parley-deploy-")), "engine");
const PASSWORD = "correct horse battery";
const NODES = ["node1", "node2", "node3"];
const GRACE_MS = 20_000; // stop_grace_period
const CLUSTER = ["-p", "parley-test", "-f", "deploy/compose.yaml", "-f", "tests/deploy/compose.override.yaml"];

const { MAKEFLAGS, MAKELEVEL, PARLEYD, PARLEYCTL, PARLEY_WEB_ROOT, PARLEY_MODE, ...inherited } = process.env;
const env = { ...inherited, DOCKER_HOST: `unix://${DIR}/docker.sock`, DOCKER_BUILDKIT: "0", COMPOSE_DOCKER_CLI_BUILD: "0" };

/** Runs a program to its end; gives what it wrote to stdout. */
function run(program, ...args) {
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd: ROOT, env, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} ${args.join(" ")}: ${error.code}\n${stdout.slice(-2000)}${stderr.slice(-4000)}`));
      else resolve(stdout.trim());
    });
  });
}

const docker = (...args) => run("docker", ...args);
const inspect = async (name, format) => docker("inspect", "-f", format, name);
const health = (name) => inspect(name, "{{.State.Health.Status}}");
const healthy = (name) => eventually(`${name} healthy`, async () => (await health(name)) === "healthy", 90_000, 200);
const container = (service) => `parley-test_${service}_1`;

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

before(async () => {
  await run("tests/deploy/engine", "start", DIR);
  await run("tests/deploy/engine", "images", DIR);
});

after(async () => {
  await run("docker-compose", ...CLUSTER, "down", "-v").catch((error) => console.error(error.message));
  await run("docker-compose", "-p", "parley-one", "-f", "deploy/compose.single.yaml", "down", "-v").catch(() => {});
  await run("tests/deploy/engine", "stop", DIR);
  rmSync(join(DIR, ".."), { recursive: true, force: true });
});

// --- A message that is sent until it is acked ------------------------------------------------------------------------

async function register(url, name, invite) {
  const { status, body } = await call(url, "auth.register", { name, password: PASSWORD, ...(invite && { invite }) });
  assert.equal(status, 200, JSON.stringify(body));
  return body.token;
}

/** Sends with one id until the server has taken it; gives the message. */
async function send(url, token, channel, text) {
  const client_msg_id = `id-${text.replaceAll(" ", "-")}`;
  let last;
  const acked = await eventually(`"${text}" acked`, async () => {
    const answer = await call(url, "message.send", { channel, text, client_msg_id }, token).catch((error) => ({ error }));
    last = answer.body ?? answer.error;
    return answer.status === 200 && answer.body.message;
  }, 60_000, 100).catch((error) => assert.fail(`${error.message}: ${JSON.stringify(last)} ${last}`));
  return acked;
}

async function history(url, token, channel) {
  return eventually("the history", async () => {
    const { status, body } = await call(url, "message.history", { channel, limit: 200 }, token).catch(() => ({}));
    return status === 200 && body.messages.map(({ text }) => text);
  });
}

// --- The image and one node ------------------------------------------------------------------------------------------

describe("one node", () => {
  let url;

  before(async () => {
    env.PARLEY_PORT = String(await freePort());
    url = `http://127.0.0.1:${env.PARLEY_PORT}`;
    // Over the machine's own network, where the packages are reached; compose then has nothing to build.
    const version = /^VERSION := (\S+)$/m.exec(await readFile(join(ROOT, "Makefile"), "utf8"))[1];
    await docker("build", "-q", "--network", "host", "--build-arg", `VERSION=${version}`, "-f", "deploy/Dockerfile", "-t", "parley:latest", ".");
    await run("docker-compose", "-p", "parley-one", "-f", "deploy/compose.single.yaml", "up", "-d");
    await healthy("parley-one_parley_1");
  });

  test("the image is small and holds nothing to build or to break in with", async () => {
    const bytes = Number(await inspect("parley:latest", "{{.Size}}"));
    assert.ok(bytes < 120e6, `${bytes} bytes`);
    console.log(`# the image has ${(bytes / 1e6).toFixed(1)} MB`);
    const files = (await run("bash", "-c", "docker export parley-one_parley_1 | tar -t")).split("\n");
    const programs = files.filter((file) => /(^|\/)s?bin\/./.test(file));
    assert.deepEqual(programs.sort(), ["usr/bin/parleyctl", "usr/bin/parleyd"]);
    assert.equal(await inspect("parley:latest", "{{.Config.User}}"), "10001:10001");
    const said = await docker("run", "--rm", "parley:latest", "--version");
    assert.equal(said, `parleyd ${await inspect("parley:latest", '{{index .Config.Labels "org.opencontainers.image.version"}}')}`);
  });

  test("it runs as nobody, writes to its volume alone, and keeps the history over down and up", async () => {
    const pid = await inspect("parley-one_parley_1", "{{.State.Pid}}");
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    assert.match(status, /^Uid:\t10001\t10001\t10001\t10001$/m);
    assert.match(status, /^CapBnd:\t0+$/m);
    assert.match(status, /^NoNewPrivs:\t1$/m);
    assert.match(await readFile(`/proc/${pid}/mounts`, "utf8"), /^\S+ \/ \S+ ro,/m);
    const code = /set-up code[^:]*: (\S+)/.exec(await docker("logs", "parley-one_parley_1"))[1];
    const token = await register(url, "ann", code);
    await send(url, token, "#general", "before");
    const began = Date.now();
    await run("docker-compose", "-p", "parley-one", "-f", "deploy/compose.single.yaml", "down");
    assert.ok(Date.now() - began < GRACE_MS);
    await run("docker-compose", "-p", "parley-one", "-f", "deploy/compose.single.yaml", "up", "-d");
    await healthy("parley-one_parley_1");
    const channel = (await call(url, "channel.list", {}, token)).body.channels[0].id;
    assert.deepEqual(await history(url, token, channel), ["before"]);
    await run("docker-compose", "-p", "parley-one", "-f", "deploy/compose.single.yaml", "down", "-v");
  });
});

// --- The cluster -----------------------------------------------------------------------------------------------------

describe("the cluster", () => {
  let url;
  let token;
  let channel;
  const sent = [];
  const up = () => run("make", "-s", "up", `COMPOSE=docker-compose`, `COMPOSE_FILES=${CLUSTER.join(" ")}`);
  const down = () => run("make", "-s", "down", `COMPOSE=docker-compose`, `COMPOSE_FILES=${CLUSTER.join(" ")}`);
  const say = async (text) => {
    await send(url, token, channel, text);
    sent.push(text);
  };
  const ready = () => eventually("the cluster ready", async () => (await fetch(`${url}/readyz`).catch(() => ({}))).status === 200, 60_000);

  /** A session at each of the nodes, by way of the load balancer: { id of the node: client }. */
  async function atEachNode(count = NODES.length) {
    const found = new Map();
    const spare = [];
    await eventually("a session at each node", async () => {
      const client = await Client.open(url, { token });
      const { node } = await client.request("server.info");
      if (found.has(node)) spare.push(client);
      else found.set(node, client);
      return found.size === count;
    });
    for (const client of spare) await client.close();
    return [...found.values()];
  }

  before(async () => {
    env.PARLEY_PORT = String(await freePort());
    url = `http://127.0.0.1:${env.PARLEY_PORT}`;
    assert.match(await up(), new RegExp(`Parley is at ${url};`));
    await ready();
    token = await register(url, "ann", (await readFile(join(ROOT, "deploy/secrets/setup_code"), "utf8")).trim());
    channel = (await call(url, "channel.list", {}, token)).body.channels[0].id;
  });

  test("make up makes secrets that others cannot reach, and everything is healthy, unprivileged and read-only", async () => {
    assert.equal(statSync(join(ROOT, "deploy/secrets")).mode & 0o777, 0o700);
    for (const service of [...NODES, "redis", "mongo"]) await healthy(container(service));
    for (const service of [...NODES, "redis", "balancer"]) {
      const pid = await inspect(container(service), "{{.State.Pid}}");
      const status = await readFile(`/proc/${pid}/status`, "utf8");
      assert.doesNotMatch(status, /^Uid:\t0/m, service);
      assert.match(status, /^CapBnd:\t0+$/m, service);
      assert.match(await readFile(`/proc/${pid}/mounts`, "utf8"), /^\S+ \/ \S+ ro,/m, service);
    }
    for (const service of NODES) {
      const secrets = await readFile(join(ROOT, "deploy/secrets/store_uri"), "utf8");
      const password = new URL(secrets.trim()).password;
      const seen = (await inspect(container(service), "{{json .Config}}")) + (await docker("logs", container(service)));
      assert.ok(!seen.includes(password), `${service} shows the database's password`);
    }
  });

  test("one chat through three nodes", async () => {
    const clients = await atEachNode();
    for (const [i, client] of clients.entries()) {
      const text = `through ${i}`;
      await client.request("message.send", { channel, text, client_msg_id: `id-through-${i}` });
      sent.push(text);
      for (const other of clients) await other.event("message.created", ({ message }) => message.text === text);
    }
    for (const client of clients) {
      assert.deepEqual(client.log().filter((e) => e.method === "message.created").map((e) => e.params.message.text), sent.slice(-3));
      await client.close();
    }
  });

  for (const victim of ["node2", "redis", "mongo"]) {
    test(`stopping ${victim} and starting it again loses nothing`, async () => {
      const work = new AbortController();
      let n = 0;
      const writing = (async () => {
        while (!work.signal.aborted) await say(`${victim} ${n++}`);
      })();
      await eventually("some messages", () => n > 5 );
      await docker("kill", container(victim));
      await sleep(2_000); // a while without it: what is written meanwhile has to be there in the end
      await docker("start", container(victim));
      await healthy(container(victim));
      for (const node of NODES) await healthy(container(node));
      const then = n;
      await eventually("some messages more", () => n > then + 5, 60_000);
      work.abort();
      await writing;
      for (const client of await atEachNode()) {
        const { messages } = await client.request("message.history", { channel, limit: 200 });
        const shown = messages.map(({ text }) => text).filter((text) => text.startsWith(`${victim} `));
        assert.deepEqual(shown, sent.filter((text) => text.startsWith(`${victim} `)).slice(-shown.length));
        assert.equal(new Set(shown).size, shown.length);
        assert.ok(shown.length >= Math.min(n, 150), `${shown.length} of ${n}`);
        await client.close();
      }
    });
  }

  test("docker stop drains a node within its grace time, and its people go on at another", async () => {
    const clients = await atEachNode();
    const closed = Promise.race(clients.map((client) => client.ended));
    const began = Date.now();
    await docker("stop", "-t", String(GRACE_MS / 1000), container("node1"));
    assert.ok(Date.now() - began < GRACE_MS - 2_000, `${Date.now() - began} ms`);
    assert.equal(await inspect(container("node1"), "{{.State.ExitCode}}"), "0");
    assert.equal((await closed).code, 4000);
    assert.equal(clients.filter((client) => client.closed).length, 1);
    const again = await Client.open(url, { token });
    await again.request("message.send", { channel, text: "at another", client_msg_id: "id-at-another" });
    sent.push("at another");
    for (const client of clients.filter((c) => !c.closed)) {
      await client.event("message.created", ({ message }) => message.text === "at another");
      await client.close();
    }
    await again.close();
    await docker("start", container("node1"));
    await healthy(container("node1"));
  });

  test("make down and make up keep the history", async () => {
    await down();
    assert.equal(await docker("ps", "-aq", "--filter", "label=com.docker.compose.project=parley-test"), "");
    await up();
    await ready();
    const shown = await history(url, token, channel);
    assert.ok(shown.length > 50 || shown.length === sent.length, `${shown.length}`);
    assert.deepEqual(shown, sent.slice(-shown.length));
  });
});
