#!/usr/bin/env node
// Schemathesis against a live server: what follows from the OpenAPI document is asked, also what it rules out, and every answer has
// to be one that it describes.
//
//   PARLEYD=build/parleyd tests/api-fuzz/run.mjs <schemathesis> [seconds]
//
// Ends with the status of schemathesis: 0 when it has found nothing.

import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { must, register } from "../lib/people.mjs";
import { start } from "../lib/parleyd.mjs";

const [schemathesis, seconds = "120"] = process.argv.slice(2);

// What would end the server, writes files where it is told to, or has an answer without an end (tests/integration/follow.test.mjs
// reads it).
const LEFT_OUT = ["admin.drain", "admin.backup", "stream.follow"];
// What ends the session that asks: on its own, afterwards.
const LAST = "auth.logout";

// Its checks for what JSON Schema cannot say (what exists, whose it is) go by guesses; the others all apply.
const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
  "negative_data_rejection",
  "missing_required_header",
  "unsupported_method",
  "allow_header_conformance",
  "ignored_auth",
];

const server = await start({ env: { PARLEY_RATE_LIMITS: "off" } });
const owner = await register(server.url, `o${randomBytes(8).toString("hex")}`); // nobody guesses whom to disable
const { channel } = await must(server.url, "channel.create", { name: "plans" }, owner.token);
for (let i = 0; i < 5; i++) await must(server.url, "message.send", { channel: channel.id, text: `hello ${i}` }, owner.token);

// The phase "stateful" has nothing to go by: the document has no links.
const fuzz = (most, ...paths) => spawnSync(
  schemathesis,
  [
    ...["--config-file", fileURLToPath(new URL("schemathesis.toml", import.meta.url))],
    "run",
    `${server.url}/api/v1/openapi.json`,
    ...["--url", server.url],
    ...["--header", `Authorization: Bearer ${owner.token}`],
    ...["--checks", CHECKS.join(",")],
    ...["--phases", "examples,coverage,fuzzing"],
    ...["--max-examples", "50"],
    ...["--max-time", String(most)],
    ...["--request-timeout", "20"],
    ...["--suppress-health-check", "all"],
    ...["--warnings", "off"],
    "--continue-on-failure",
    ...paths,
  ],
  { stdio: "inherit", timeout: (most + 120) * 1000 },
);
const except = [...LEFT_OUT, LAST].flatMap((name) => ["--exclude-path", `/api/v1/${name}`]);
const runs = [fuzz(Number(seconds), ...except), fuzz(10, "--include-path", `/api/v1/${LAST}`)];
const { code } = await server.stop();
if (code !== 0) console.error(`parleyd ended with ${code}`);
process.exitCode = runs.every(({ status }) => status === 0) && code === 0 ? 0 : 1;
