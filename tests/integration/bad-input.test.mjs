// Every command with every parameter missing, extra, of the wrong type, too long, negative, zero, huge, or naming what does
// not exist: the error names the field, and the connection goes on. The cases come from the server's own table.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { Client, CommandError } from "../lib/client.mjs";
import { start } from "../lib/parleyd.mjs";
import { register } from "../lib/people.mjs";

const { commands } = JSON.parse(execFileSync(process.env.PARLEYD, ["--dump-protocol"], { maxBuffer: 1 << 24 }));

// Good values by type: with them and one bad one, it is the bad one that is named.
const GOOD = {
  id: "nosuchthing",
  id_ref: "nosuchthing",
  name: "name-1",
  text: "text",
  line: "line",
  password: "password1",
  token: "token",
  client_msg_id: "id-1",
  cursor: "cursor",
  stream: "c:nosuchthing",
  epoch: "epoch",
  seq: 1,
  int: 1,
  bool: true,
  ids: ["nosuchthing"],
  positions: {},
  path: "/nonexistent/copy.db",
};
const good = (param) => (param.type === "words" ? [param.words[0]] : param.type === "enum" ? (param.words ?? param.values ?? "").toString().split(/[|,]/)[0] : GOOD[param.type]);

// Bad values by type, each with what is wrong with it.
function bad(param) {
  const numbers = [["a string", "1"], ["a fraction", 1.5], ["negative", -1], ["huge", 2 ** 60], ["a list", []]];
  if (["seq", "int"].includes(param.type)) return [...numbers, ...(param.min > 0 ? [["zero", 0]] : [])];
  if (param.type === "bool") return [["a number", 1], ["a string", "true"]];
  if (param.type === "ids") return [["a string", "id"], ["empty", []], ["of numbers", [1]], ["too many", Array(201).fill("id")], ["not ids", ["a b"]]];
  if (param.type === "words") {
    return [["a string", param.words[0]], ["empty", []], ["of numbers", [1]], ["too many", Array(33).fill(param.words[0])], ["no words", ["nonsense"]]];
  }
  if (param.type === "positions") return [["a list", []], ["of strings", { "c:x": "y" }], ["negative", { "c:x": { epoch: "e", seq: -1 } }]];
  if (param.type === "enum") return [["an unknown word", "nonsense"], ["a number", 1]];
  const strings = [["of the wrong type", 5], ["an object", {}], ["null", null], ["too long", "x".repeat((param.max ?? 256) + 1)]];
  const more = [];
  if (param.min > 0 || ["id", "id_ref", "name", "stream"].includes(param.type)) more.push(["empty", ""]);
  if (["id", "name", "stream", "id_ref", "token"].includes(param.type)) more.push(["of forbidden characters", "a b\u0001"]);
  if (param.type === "line") more.push(["of control characters", "a\nb"]);
  return [...strings, ...more];
}

let server;
let client;
before(async () => {
  server = await start({ env: { PARLEY_RATE_LIMITS: "off" } });
  const ann = await register(server.url, "ann");
  client = await Client.open(server.url, { token: ann.token });
});
after(async () => {
  await client?.close();
  await server?.stop();
});

async function errorOf(command, params) {
  try {
    await client.request(command, params);
  } catch (error) {
    assert.ok(error instanceof CommandError, String(error));
    return error;
  }
  return assert.fail(`${command} took ${JSON.stringify(params).slice(0, 200)}`);
}

for (const { name, params } of commands) {
  const required = () => Object.fromEntries(params.filter((p) => p.required).map((p) => [p.name, good(p)]));
  describe(name, () => {
    test("refuses a parameter that it does not have, by name", async () => {
      const error = await errorOf(name, { ...required(), surprise: 1 });
      assert.equal(error.type, "invalid_params");
      assert.equal(error.data.field, "surprise");
    });
    test("refuses parameters that are a list", async () => {
      const error = await errorOf(name, [1]);
      assert.match(error.type, /^invalid_(params|request)$/);
    });
    for (const param of params) {
      if (param.required) {
        test(`names ${param.name} when it is missing`, async () => {
          const given = required();
          delete given[param.name];
          const error = await errorOf(name, given);
          assert.deepEqual([error.type, error.data.field], ["invalid_params", param.name]);
          assert.ok(error.data.reason);
        });
      }
      for (const [what, value] of bad(param)) {
        test(`names ${param.name} when it is ${what}`, async () => {
          const error = await errorOf(name, { ...required(), [param.name]: value });
          const field = error.data.field?.split(/[[.]/)[0]; // users[0], streams.c:x: the place inside is named too
          assert.deepEqual([error.type, field], ["invalid_params", param.name], JSON.stringify(error.data));
          assert.ok(error.data.reason);
        });
      }
    }
  });
}

// Commands that name something, with a name that nobody has.
const NAMES_SOMETHING = new Set(["channel", "user", "message", "session", "job", "invite", "stream"]);
for (const { name, params } of commands) {
  const named = params.filter((p) => p.required && NAMES_SOMETHING.has(p.name));
  if (named.length === 0) continue;
  test(`${name} says not_found for a ${named[0].name} that does not exist`, async () => {
    const wanted = params.filter((p) => p.required || (name === "channel.update" && p.name === "topic"));
    const error = await errorOf(name, Object.fromEntries(wanted.map((p) => [p.name, good(p)])));
    assert.equal(error.type, "not_found", JSON.stringify(error.data));
  });
}

const FRAMES = {
  "not JSON": ["garbage", "parse_error"],
  "an empty text": ["", "parse_error"],
  "a list of requests": ['[{"jsonrpc":"2.0","id":1,"method":"server.info"}]', "invalid_request"],
  "another version": ['{"jsonrpc":"1.0","id":1,"method":"server.info"}', "invalid_request"],
  "no method": ['{"jsonrpc":"2.0","id":1}', "invalid_request"],
  "no id": ['{"jsonrpc":"2.0","method":"server.info"}', "invalid_request"],
  "a fractional id": ['{"jsonrpc":"2.0","id":1.5,"method":"server.info"}', "invalid_request"],
  "a key twice": ['{"jsonrpc":"2.0","id":1,"id":2,"method":"server.info"}', "parse_error"],
  "a NUL in a string": ['{"jsonrpc":"2.0","id":1,"method":"server.info\\u0000"}', "parse_error"],
  "half a surrogate": ['{"jsonrpc":"2.0","id":1,"method":"\\ud800"}', "parse_error"],
  "nested too deep": [`{"jsonrpc":"2.0","id":1,"method":"server.info","params":${"[".repeat(100)}${"]".repeat(100)}}`, "parse_error"],
  "an unknown command": ['{"jsonrpc":"2.0","id":1,"method":"server.explode"}', "unknown_command"],
  "something after it": ['{"jsonrpc":"2.0","id":1,"method":"server.info"} x', "parse_error"],
};
for (const [what, [frame, type]] of Object.entries(FRAMES)) {
  test(`a frame that is ${what} is answered with ${type}, and the connection goes on`, async () => {
    const before = client.frames.length;
    client.socket.send(frame);
    const answer = await client.until("an error", (c) => c.frames.slice(before).find((f) => f.error));
    assert.equal(answer.error.data.type, type);
    assert.ok(await client.request("server.info"));
  });
}

test("after all of this the server is well", async () => {
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
  assert.ok(!/"internal"|level=error| error /.test(server.log()), server.log().slice(-2000));
  assert.equal(client.closed, null);
});
