// The examples in the server's descriptions are true: each call is made as it stands there, in a state where it makes sense, and is
// answered as it is described. Only what nobody can know beforehand is put in: ids, an epoch, a path.

import assert from "node:assert/strict";
import { on, once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import WebSocket from "ws";
import { ask } from "../lib/ask.mjs";
import { dump } from "../lib/api_documents.mjs";
import { Client } from "../lib/client.mjs";
import { start, temporaryFolder } from "../lib/parleyd.mjs";
import { must } from "../lib/people.mjs";
import { eventually } from "../lib/process.mjs";
import { describe as description } from "../lib/protocol-page.mjs";
import { schema } from "../lib/schema.mjs";
import { startTarget } from "../lib/target.mjs";

const openapi = JSON.parse(dump("--dump-openapi"));
const asyncapi = JSON.parse(dump("--dump-asyncapi"));
const { commands } = description();

const PASSWORD = "correct horse";
// What stands for an id in all examples (protocol/describe_example.c).
const USER = "01k4q6v2aet9w0s8m4xa3b7cud";
const CHANNEL = "01k4q7n9c5fbz3y2qk6tg8w1ch";
const MESSAGE = "01k4q7af7rk2p0h5v9xe3jd4ms";
const SESSION = "01k4q6v3m8zt1c7yb5w2n0gfse";
const JOB = "01k4qav0e8d4kx6pa2qs9hm3jb";
const INVITE = "01k4q5c1h6g9r2d8vn4jw0t7nv";
const HOOK = "01k4qbx7n2v5h9s3jd8wm6ct0e";
const TOKEN = "Zt8pKx1nLd6f";
const EPOCH = "x7f3q9";
const PATH = "/var/backups/parley/copy.db";

/** Ann, the owner, with the channel #plans and five messages in it; Bob and Erin, who are not in it. */
class Scene {
  static async begin() {
    const scene = new Scene();
    scene.server = await start({ env: { PARLEY_RATE_LIMITS: "off", PARLEY_OUTBOUND_ALLOW: "127.0.0.1", PARLEY_HOOK_ATTEMPTS: "1" } });
    scene.url = scene.server.url;
    for (const name of ["ann", "bob", "erin"]) {
      const { user, token, session } = await must(scene.url, "auth.register", { name, password: PASSWORD });
      scene[name] = { id: user.id, token, session };
    }
    scene.channel = (await scene.as("ann", "channel.create", { name: "plans" })).channel.id;
    for (let i = 0; i < 5; i++) scene.message = (await scene.as("ann", "message.send", { channel: scene.channel, text: `${i}` })).message.id;
    scene.epoch = (await scene.as("ann", "channel.get", { channel: scene.channel })).channel.epoch;
    return scene;
  }

  as(name, command, params) {
    return must(this.url, command, params, this[name].token);
  }

  /** VALUE with what is really there in the place of its ids. */
  put(value, ids) {
    const real = { [USER]: this.bob.id, [CHANNEL]: this.channel, [MESSAGE]: this.message, [EPOCH]: this.epoch, ...ids };
    let text = JSON.stringify(value);
    for (const [example, actual] of Object.entries(real)) text = text.replaceAll(example, actual);
    return JSON.parse(text);
  }

  /** A hook of Ann's in the channel, whose target gives STATUS. */
  async hook(kind, status = 200) {
    this.target ??= await startTarget();
    this.target.answer = () => ({ status });
    const command = kind === "slash" && { command: "lunch" };
    const { hook } = await this.as("ann", "hook.create", { kind, channel: this.channel, name: "Lunch", url: this.target.url("/"), ...command });
    return hook;
  }

  async end() {
    await this.server.stop();
    await this.target?.stop();
  }
}

// What a call needs beside the scene: who makes it, if not Ann; what happens before; what is put in. `alone`: nothing is as before, or
// it works once.
const bobJoins = async (s) => void (await s.as("bob", "channel.join", { channel: s.channel }));
const hasHook = async (s) => ({ [HOOK]: (await s.hook("outgoing")).id });
const hasBot = async (s) => void (await s.as("ann", "bot.create", { name: "lunch-bot" }));
const NEEDS = {
  "admin.backup": { before: () => ({ [PATH]: join(temporaryFolder(), "copy.db") }) },
  "admin.channel.archive": { alone: true },
  "admin.channel.delete": { alone: true },
  "admin.drain": { alone: true },
  "admin.invite.revoke": {
    before: async (s) => {
      await s.as("ann", "admin.invite.create", {});
      return { [INVITE]: (await s.as("ann", "admin.invite.list", {})).invites[0].invite };
    },
  },
  "admin.job": {
    before: async (s) => ({ [JOB]: (await s.as("ann", "admin.backup", { path: join(temporaryFolder(), "copy.db") })).job }),
  },
  "admin.session.revoke": { alone: true, before: (s) => ({ [SESSION]: s.bob.session }) },
  "admin.user.create": { alone: true },
  "admin.user.disable": { alone: true },
  "admin.user.password": { alone: true },
  "admin.user.role": { alone: true },
  "auth.logout": { alone: true },
  "auth.password": { alone: true },
  "auth.register": { alone: true },
  "auth.revoke": {
    before: async (s) => ({ [SESSION]: (await must(s.url, "auth.login", { name: "ann", password: PASSWORD })).session }),
  },
  "bot.create": { alone: true },
  "bot.disable": { alone: true, before: hasBot },
  "bot.update": { alone: true, before: hasBot },
  "channel.archive": { alone: true },
  "channel.create": { alone: true },
  "channel.invite": { alone: true },
  "channel.join": { alone: true, who: "bob" },
  "channel.leave": { alone: true, who: "bob", before: bobJoins },
  "channel.remove": { alone: true, before: bobJoins },
  "hook.delete": { alone: true, before: hasHook },
  "hook.failures": { before: hasHook },
  "hook.redeliver": {
    alone: true,
    before: async (s) => {
      const hook = await s.hook("outgoing", 500);
      await s.as("ann", "message.send", { channel: s.channel, text: "nobody takes this" });
      const failures = async () => (await s.as("ann", "hook.failures", { hook: hook.id })).failures;
      await eventually("the failure", async () => (await failures()).length === 1);
      return { [HOOK]: hook.id, '"seq":41': `"seq":${(await failures())[0].seq}` };
    },
  },
  "hook.rotate": { before: hasHook },
  "hook.update": { alone: true, before: hasHook },
  "message.delete": { alone: true },
  "slash.answer": {
    alone: true,
    before: async (s) => {
      await s.hook("slash");
      await s.as("ann", "slash.run", { channel: s.channel, command: "lunch" });
      const { response_url } = Object.fromEntries(new URLSearchParams(s.target.requests[0].body));
      return { [TOKEN]: response_url.split("/").at(-1) };
    },
  },
  "slash.run": { alone: true, before: async (s) => void (await s.hook("slash")) },
  "token.revoke": {
    before: async (s) => ({ [USER]: (await s.as("ann", "token.create", { name: "x", scopes: ["messages:read"] })).token.id }),
  },
};

let shared;
after(() => shared?.end());

async function withScene(alone, work) {
  if (!alone) shared ??= await Scene.begin();
  const scene = alone ? await Scene.begin() : shared;
  try {
    await work(scene);
  } finally {
    if (alone) await scene.end();
  }
}

async function check(scene, command, method, params, who) {
  const operation = openapi.paths[`/api/v1/${command}`][method.toLowerCase()];
  const query = method === "GET" ? `?${new URLSearchParams(Object.entries(params).map(([name, value]) => [name, String(value)]))}` : "";
  const response = await fetch(`${scene.url}/api/v1/${command}${query}`, {
    method,
    headers: {
      ...(operation.security.length > 0 && { authorization: `Bearer ${scene[who].token}` }),
      ...(method === "POST" && { "content-type": "application/json" }),
    },
    ...(method === "POST" && { body: JSON.stringify(params) }),
  });
  const body = await response.json();
  assert.ok(operation.responses[200].content["application/json"].examples.answer);
  assert.equal(response.status, 200, `${method} ${command}: ${JSON.stringify(body)}`);
  assert.deepEqual(schema().http(command, { status: 200, type: response.headers.get("content-type"), body }), []);
}

describe("the examples of the OpenAPI document", () => {
  for (const { name, get } of commands.filter(({ name }) => name !== "session.start")) {
    test(`${name} is answered as it says`, () =>
      withScene(NEEDS[name]?.alone, async (scene) => {
        const { before = () => ({}), who = "ann" } = NEEDS[name] ?? {};
        const { value } = openapi.paths[`/api/v1/${name}`].post.requestBody.content["application/json"].examples.call;
        const params = scene.put(value, await before(scene));
        if (get) await check(scene, name, "GET", params, who);
        await check(scene, name, "POST", params, who);
      }));
  }

  test("what answers look like fits what is said of them", () => {
    for (const [path, { post }] of Object.entries(openapi.paths)) {
      if (post === undefined) continue;
      const { value } = post.responses[200].content["application/json"].examples.answer;
      assert.deepEqual(schema().http(path.slice("/api/v1/".length), { status: 200, type: "application/json", body: value }), []);
    }
  });
});

// --- Errors ----------------------------------------------------------------------------------------------------------

const REQUEST = "01k4q8t2w6x0n5r9d3hm7vb1cz"; // of all examples

/** A server with a message in a page of its database that was damaged while it was down. */
async function damaged() {
  const marker = "a text that is easily found again";
  const first = await start();
  const ann = await must(first.url, "auth.register", { name: "ann", password: PASSWORD });
  const { channel } = await must(first.url, "channel.create", { name: "plans" }, ann.token);
  const { message } = await must(first.url, "message.send", { channel: channel.id, text: marker }, ann.token);
  await first.stop();
  const file = join(first.dataDir, "parley.db");
  const bytes = readFileSync(file);
  const page = bytes.readUInt16BE(16);
  for (let at = bytes.indexOf(marker); at >= 0; at = bytes.indexOf(marker, at + 1)) bytes.fill(0xff, at - (at % page), at - (at % page) + 8);
  writeFileSync(file, bytes);
  return { server: await start({ dataDir: first.dataDir }), ann, message: message.id };
}

// How each error is come by, over both transports alike: what is called, by whom, on which server.
const PROVOKED = {
  invalid_params: (s) => ({ command: "message.send", params: { channel: s.channel, text: "" } }),
  unauthenticated: () => ({ command: "channel.list", params: {}, who: null }),
  forbidden: () => ({ command: "admin.stats", params: {}, who: "bob" }),
  not_found: () => ({ command: "channel.get", params: { channel: CHANNEL } }),
  conflict: () => ({ command: "channel.create", params: { name: "plans" } }),
  gone: (s) => ({ command: "stream.events", params: { stream: `c:${s.channel}`, epoch: EPOCH, after: 1 } }),
  unavailable: async (s) => {
    await s.hook("slash", 500);
    return { command: "slash.run", params: { channel: s.channel, command: "lunch" } };
  },
  rate_limited: async (s) => {
    const server = await s.more(start({ env: { PARLEY_RATE_READ: "1", PARLEY_RATE_READ_BURST: "1" } }));
    const { token } = await must(server.url, "auth.register", { name: "ann", password: PASSWORD });
    return { command: "channel.list", params: {}, url: server.url, token, again: true };
  },
  internal: async (s) => {
    const { server, ann, message } = await damaged();
    await s.more(server);
    return { command: "message.get", params: { message }, url: server.url, token: ann.token };
  },
};
const raw = (body, more) => () => ({ command: "message.send", body, ...more });
const OVER_HTTP = {
  ...PROVOKED,
  parse_error: raw("{"),
  invalid_request: raw("[]"),
  unknown_command: () => ({ command: "message.shout", params: {} }),
  too_large: (s) => ({ command: "message.send", params: { channel: s.channel, text: "x".repeat(70_000) } }),
};
const WRONG_TYPE = raw("channel=plans&text=hello", { type: "application/x-www-form-urlencoded" });

/** Works with a scene, and with more servers that end with it. */
async function provoke(work) {
  const servers = [];
  const scene = await Scene.begin();
  scene.more = async (server) => {
    servers.push(await server);
    return server;
  };
  try {
    await work(scene);
  } finally {
    await scene.end();
    for (const server of servers) await server.stop();
  }
}

/** ANSWER with what nobody can know beforehand as in the examples. */
function known(answer, type, ids = []) {
  const copy = structuredClone(answer);
  const data = copy.error?.data ?? copy;
  if (data.request_id !== undefined) ids.push(data.request_id);
  if (type === "rate_limited") {
    assert.ok(data.retry_after_ms >= 1 && data.retry_after_ms <= 1000, JSON.stringify(answer));
    data.retry_after_ms = 800;
  }
  if (type === "internal") ids.push(/under ([0-9a-z]{26})$/.exec(data.detail)?.[1]);
  return JSON.parse(ids.reduce((text, id) => text.replaceAll(id, REQUEST), JSON.stringify(copy)));
}

describe("the examples of errors in the OpenAPI document", () => {
  const described = Object.entries(openapi.components.responses).flatMap(([key, response]) =>
    Object.entries(response.content["application/problem+json"].examples).map(([type, { value }]) => ({ status: Number(key.split("_")[1]), type, value, response })),
  );

  for (const { status, type, value, response } of described)
    test(`${status} ${type} is answered as it says`, () =>
      provoke(async (scene) => {
        const how = status === 415 ? WRONG_TYPE : OVER_HTTP[type];
        const { command, params, body = params, who = "ann", type: media, ...other } = await how(scene);
        const token = other.token ?? scene[who]?.token;
        const post = () => ask(other.url ?? scene.url, `/api/v1/${command}`, { token, body, type: media });
        if (other.again) await post();
        const { headers, body: problem, ...answer } = await post();
        assert.equal(answer.status, status, JSON.stringify(problem));
        assert.equal(headers["content-type"], "application/problem+json");
        assert.equal(headers["x-request-id"], problem.request_id);
        assert.deepEqual(known(problem, type), value);
        assert.deepEqual(schema().http(command, { status, type: "application/problem+json", body: problem }), []);
        for (const name of Object.keys(response.headers ?? {})) assert.ok(headers[name.toLowerCase()], name);
      }));

  test("are one for each error and status that a command is said to fail with", () => {
    const all = new Set(described.map(({ status, type }) => `${status} ${type}`));
    for (const { post } of Object.values(openapi.paths))
      for (const type of post?.["x-errors"] ?? []) assert.ok([...all].some((one) => one.endsWith(` ${type}`)), type);
    assert.equal(all.size, described.length);
    assert.deepEqual(Object.keys(OVER_HTTP).sort(), [...new Set(described.map(({ type }) => type))].sort());
  });
});

describe("the examples of errors in the AsyncAPI document", () => {
  const { examples } = asyncapi.components.messages.error;
  const OVER_WEBSOCKET = {
    ...PROVOKED,
    parse_error: () => ({ frame: "{" }),
    invalid_request: () => ({ frame: '{"jsonrpc":"2.0","id":1}' }),
    unknown_command: () => ({ command: "message.shout", params: {} }),
  };

  /** What the server sends in answer to FRAME, on a connection whose session TOKEN began, or with none. */
  async function answerTo(url, token, frame, again) {
    const socket = new WebSocket(`${url.replace(/^http/, "ws")}/ws`);
    const frames = on(socket, "message");
    const next = async () => JSON.parse((await frames.next()).value[0]);
    await once(socket, "open");
    if (token) {
      socket.send(JSON.stringify({ jsonrpc: "2.0", id: 0, method: "session.start", params: { token } }));
      while ((await next()).id !== 0);
    }
    if (again) {
      socket.send(frame);
      while ((await next()).id !== 1);
    }
    socket.send(frame);
    for (;;) {
      const answer = await next();
      if (answer.method !== undefined) continue; // an event
      socket.terminate();
      return answer;
    }
  }

  for (const { name, payload } of examples)
    test(`${name} is answered as it says`, () =>
      provoke(async (scene) => {
        const { command, params, who = command && "ann", ...other } = await OVER_WEBSOCKET[name](scene);
        const { frame = JSON.stringify({ jsonrpc: "2.0", id: 1, method: command, params }) } = other;
        const answer = await answerTo(other.url ?? scene.url, other.token ?? scene[who]?.token, frame, other.again);
        assert.deepEqual(known(answer, name), payload);
        assert.deepEqual(schema().payload("error", answer), []);
      }));

  test("are one for each error but that which closes the connection", () => {
    assert.deepEqual(examples.map(({ name }) => name).sort(), Object.keys(OVER_WEBSOCKET).sort());
    const types = asyncapi.components.schemas.ErrorType.enum;
    assert.deepEqual(types.filter((type) => !(type in OVER_WEBSOCKET)), ["too_large"]);
  });
});

describe("the examples of the AsyncAPI document", () => {
  test("session.start begins a session as it says", async () => {
    await withScene(false, async (scene) => {
      const { params } = asyncapi.components.messages["session.start.request"].examples[0].payload;
      const client = new Client(scene.url);
      await client.opened;
      const result = await client.start(scene.put(params, { [params.token]: scene.ann.token }));
      assert.deepEqual(schema().result("session.start", result), []);
      await client.close();
    });
  });

  for (const { name } of commands.filter(({ name }) => name !== "session.start"))
    test(`${name} is answered as it says`, () =>
      withScene(NEEDS[name]?.alone, async (scene) => {
        const { before = () => ({}), who = "ann" } = NEEDS[name] ?? {};
        const { method, params } = asyncapi.components.messages[`${name}.request`].examples[0].payload;
        const client = await Client.open(scene.url, { token: scene[who].token });
        const result = await client.request(method, scene.put(params, await before(scene)));
        assert.deepEqual(schema().result(name, result), []);
        await client.vanish();
      }));

  test("requests, results, errors and events are what their schemas say", () => {
    let seen = 0;
    for (const [name, message] of Object.entries(asyncapi.components.messages))
      for (const { payload } of message.examples) {
        seen++;
        assert.deepEqual(schema().payload(name, payload), [], name);
        if (payload.method !== undefined && payload.id === undefined) assert.deepEqual(schema().event(payload), [], name);
      }
    assert.ok(seen >= Object.keys(asyncapi.components.messages).length);
  });

  test("one that does not fit is noticed", () => {
    const [{ payload }] = structuredClone(asyncapi.components.messages["message.created"].examples);
    payload.params.message.seq = "41";
    assert.notDeepEqual(schema().payload("message.created", payload), []);
  });
});
