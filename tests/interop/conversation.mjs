// One conversation that every client of tests/interop holds, whatever it is written in, and what must come of it.
//
// A client is a program that is told, as arguments, the server's URL, a name and password, a channel's id, and its transports
// ("websocket", "polling" or "polling,websocket", which is polling with an upgrade). It says on standard output how far
// it is, a line each, and goes on from `gone` when it is given a line:
//
//   started NAME     signed in over HTTP, connected with that token; the user of session.started
//   joined CHANNEL   the ack of channel.join
//   sent TEXT        the ack of message.send: "hello from NAME"
//   refused TYPE     the ack of a message.send to a channel that does not exist
//   received TEXT    a message.created whose author is somebody else
//   gone             disconnected
//   resumed BOOL     connected again, with its position in auth.streams
//   again TEXT       each message.created since then, until "live again"
//   done
//
// What happens meanwhile (the other's messages) is done here over HTTP.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { eventually, metrics } from "../lib/process.mjs";
import { start, within } from "../lib/parleyd.mjs";
import { must, people } from "../lib/people.mjs";

export const WAYS = ["websocket", "polling", "polling,websocket"];
const WAIT_MS = 30_000;
const PASSWORD = "correct horse battery"; // of tests/lib/people.mjs

/** A server with two people: ann, who is looked after here, and bob, for whom the clients speak. */
export async function bed(options = {}) {
  const args = ["--workers", "2", "--rate-limits", "off", ...(options.args ?? [])];
  const server = await start({ ...options, args });
  return { ...server, ...(await people(server.url, "ann", "bob")), rooms: 0 };
}

/** Lines of a program; its standard error is for the report of a failure. */
export function program(argv, env = {}) {
  return (args) => {
    const child = spawn(argv[0], [...argv.slice(1), ...args], { env: { ...process.env, ...env }, stdio: "pipe" });
    let problem = "";
    child.stderr.setEncoding("utf8").on("data", (text) => (problem += text));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const end = new Promise((resolve) => {
      child.on("error", (error) => resolve(error.message));
      child.on("close", (code, signal) => resolve(signal ?? code));
    });
    return {
      next: async () => (await lines.next()).value,
      go: () => child.stdin.end("go\n"),
      end: () => end,
      problem: () => problem,
      stop: () => child.kill("SIGKILL"),
    };
  };
}

const transportOf = (way) => `parley_connections_by_transport{transport="socketio_${way.split(",").at(-1)}"}`;

/** Holds the conversation with what `client(arguments)` starts: { next, go, end, problem, stop }. */
export async function converse(server, client, way, { token } = {}) {
  const name = `interop-${++server.rooms}`;
  const { channel } = await must(server.url, "channel.create", { name }, server.ann.token);
  const say = (text) => must(server.url, "message.send", { channel: channel.id, text }, server.ann.token);
  const it = client([server.url, "bob", PASSWORD, channel.id, way, ...(token ? [token] : [])]);
  const expect = async (line) => {
    const got = await within(WAIT_MS, line, it.next()).catch((error) => {
      throw new Error(`${error.message}\n${it.problem()}`);
    });
    assert.equal(got, line, it.problem());
  };
  try {
    await expect("started bob");
    await expect(`joined ${name}`);
    await expect("sent hello from bob");
    await expect("refused not_found");
    const gauge = transportOf(way);
    await eventually(`a connection by ${way}`, async () => (await metrics(server.url))[gauge] === 1);
    await say("hello from ann €");
    await expect("received hello from ann €");
    await expect("gone");
    await eventually("no connection", async () => (await metrics(server.url))[gauge] === 0);
    const missed = ["missed 0", "missed 1", "missed 2"];
    for (const text of missed) await say(text);
    it.go();
    await expect("resumed true");
    await say("live again");
    for (const text of [...missed, "live again"]) await expect(`again ${text}`);
    await expect("done");
    assert.equal(await within(WAIT_MS, "the client's end", it.end()), 0, it.problem());
    await eventually("no connection", async () => (await metrics(server.url))[gauge] === 0);
    const { messages } = await must(server.url, "message.history", { channel: channel.id }, server.ann.token);
    const written = ["hello from bob", "hello from ann €", ...missed, "live again"];
    assert.deepEqual(messages.map((m) => m.text).sort(), written.sort());
  } finally {
    it.stop();
  }
}
