// A MongoDB server for tests, by scripts/mongo-server: one of its own that can be killed and paused, and databases.
//
//   const mongo = await startMongo();         // a server of this test's own
//   mongo.uri; mongo.port
//   await mongo.kill();                       // kill -9 the database; start() brings it back on the same port
//   await mongo.pause();                      // SIGSTOP, and mongo.resume()
//   await mongo.stop();                       // orderly; start() brings it back
//   await mongo.remove();                     // for good
//   await startMongo({ tls, users });         // one that talks TLS alone, and wants one of { user, pwd } to sign in
//   const db = await database();              // of the server that all tests share (PARLEY_TEST_MONGO), or of { uri }
//   db.uri; await db.drop();
//
// Whatever a test has not removed is removed when its process ends, however that happens.

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFileSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { onFreePort } from "./ports.mjs";

const SCRIPT = fileURLToPath(new URL("../../scripts/mongo-server", import.meta.url));
const run = promisify(execFile);

// OWN: a server that can be killed, thus not the one that PARLEY_TEST_MONGO names.
async function script(own, ...args) {
  const env = { ...process.env };
  if (own) delete env.PARLEY_TEST_MONGO;
  try {
    return (await run(SCRIPT, args, { env })).stdout.trim();
  } catch (error) {
    throw new Error(`mongo-server ${args[0]}: ${error.stderr?.trim() || error.message}`);
  }
}

/** Gets the programs if they are not there: a minute or two, once. Its messages go to stderr. */
export function installMongo() {
  const installing = run(SCRIPT, ["install"]);
  installing.child.stderr.pipe(process.stderr);
  return installing;
}

const ROLES = ["readWriteAnyDatabase", "clusterAdmin"].map((role) => ({ role, db: "admin" }));

/**
 * SHARED: whatever server there is will do, also one that somebody else has given. TLS: a file with certificate and key for
 * 127.0.0.1. USERS: [{ user, pwd }], of the database admin, who may do everything. Nobody else may sign in.
 */
export async function startMongo({ shared = false, tls, users } = {}) {
  const own = !shared;
  const folder = mkdtempSync(join(tmpdir(), "parley-mongo-")); // removed by remove(), or by the script when this process ends
  const { uri, port } = await onFreePort(async (port) => ({
    uri: await script(own, "start", folder, String(port), String(process.pid)),
    port,
  }));
  if (users) {
    await withDriver(uri, async (client) => {
      for (const { user, pwd } of users) await client.db("admin").command({ createUser: user, pwd, roles: ROLES });
    });
    writeFileSync(join(folder, "auth"), "");
  }
  if (tls) copyFileSync(tls, join(folder, "tls.pem"));
  if (users || tls) {
    await script(own, "stop", folder);
    await script(own, "start", folder);
  }
  return {
    uri,
    port,
    folder, // with the process ids: gateway.pid, database.pid
    start: () => script(own, "start", folder),
    kill: () => script(own, "kill", folder),
    pause: () => script(own, "pause", folder),
    resume: () => script(own, "resume", folder),
    stop: () => script(own, "stop", folder),
    remove: () => script(own, "remove", folder),
  };
}

/** The URI of database NAME on the server of URI, whose options stay. */
export function uriOf(uri, name) {
  const [, server, options = ""] = /^(mongodb(?:\+srv)?:\/\/[^/?]+)(?:\/[^?]*)?(\?.*)?$/.exec(uri);
  return `${server}/${name}${options}`;
}

/** BODY(client): the official driver, connected to URI. */
export async function withDriver(uri, body) {
  const { MongoClient } = await import("mongodb");
  const patience = /serverSelectionTimeoutMS/.test(uri) ? {} : { serverSelectionTimeoutMS: 10_000 };
  const client = new MongoClient(uri, patience);
  try {
    return await body(client);
  } finally {
    await client.close();
  }
}

/** A database that nobody else uses. */
export async function database({ uri = process.env.PARLEY_TEST_MONGO } = {}) {
  if (!uri) throw new Error("PARLEY_TEST_MONGO names the MongoDB server to test with");
  const name = `parley_test_${randomBytes(6).toString("hex")}`;
  return {
    name,
    uri: uriOf(uri, name),
    drop: () => withDriver(uri, (client) => client.db(name).dropDatabase()),
  };
}
