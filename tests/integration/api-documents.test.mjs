// The server's descriptions of its interfaces: valid to independent readers, served as they are dumped.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { dump, lintAsyncapi, lintOpenapi } from "../lib/api_documents.mjs";
import { start } from "../lib/parleyd.mjs";
import { describe as description } from "../lib/protocol-page.mjs";
import { request } from "../lib/raw_http.mjs";

let server;
before(async () => {
  server = await start();
});
after(() => server?.stop());

// The documents are the same bytes whatever the build, and reading them takes seconds.
const skip = process.env.PARLEY_MODE !== "release";

test("the OpenAPI document is valid by Spectral's rules, with nothing left to say", { skip }, async () => {
  assert.deepEqual(await lintOpenapi(dump("--dump-openapi")), []);
});

test("Spectral sees what is wrong with a document", { skip }, async () => {
  const document = JSON.parse(dump("--dump-openapi"));
  document.paths["/api/v1/message.send"].post.requestBody.content["application/json"].examples.call.value.text = 7;
  const found = (await lintOpenapi(JSON.stringify(document))).join("\n");
  assert.match(found, /oas3-valid-media-example.*message\.send/);
});

test("the AsyncAPI document is valid by the AsyncAPI parser, with nothing left to say", { skip }, async () => {
  assert.deepEqual(await lintAsyncapi(dump("--dump-asyncapi")), []);
});

test("the AsyncAPI parser sees what is wrong with a document", { skip }, async () => {
  const document = JSON.parse(dump("--dump-asyncapi"));
  delete document.channels.ws.messages["user.get.result"];
  const found = (await lintAsyncapi(JSON.stringify(document))).join("\n");
  assert.match(found, /user\.get/);
});

test("every event says in which stream it is, and whether it is ephemeral", () => {
  const { components, operations } = JSON.parse(dump("--dump-asyncapi"));
  const { commands, events } = description();
  for (const event of events) {
    const message = components.messages[event.name];
    assert.equal(message["x-ephemeral"], event.stream === "ephemeral", event.name);
    assert.equal("seq" in message.payload.properties.params.properties, !message["x-ephemeral"], event.name);
  }
  assert.deepEqual(Object.keys(operations), [...commands.map(({ name }) => name), "events"]);
});

test("every command but session.start has an operation, with its limits and errors", () => {
  const { paths } = JSON.parse(dump("--dump-openapi"));
  const { commands } = description();
  const offered = commands.filter(({ name }) => name !== "session.start");
  assert.deepEqual(Object.keys(paths).filter((path) => paths[path].post), offered.map(({ name }) => `/api/v1/${name}`));
  for (const command of offered) {
    const { post, get } = paths[`/api/v1/${command.name}`];
    assert.equal(get !== undefined, command.get === true, command.name);
    if (get) assert.deepEqual(get.parameters.map(({ name }) => name), command.params.map(({ name }) => name), command.name);
    const { schema } = post.requestBody.content["application/json"];
    assert.deepEqual(Object.keys(schema.properties), command.params.map(({ name }) => name), command.name);
    assert.deepEqual(schema.required, command.params.filter(({ required }) => required).map(({ name }) => name));
    assert.equal(post.security.length > 0, command.access !== "anyone", command.name);
    assert.ok(post["x-errors"].includes("internal"));
  }
});

test("what is served is what is dumped, compressed and with a validator", async () => {
  for (const [path, flag, type] of [
    ["/api/v1/openapi.json", "--dump-openapi", "application/json"],
    ["/api/v1/asyncapi.json", "--dump-asyncapi", "application/json"],
  ]) {
    const plain = await request(server.url, path);
    assert.equal(plain.status, 200, path);
    assert.equal(Buffer.from(plain.body, "latin1").toString(), dump(flag));
    assert.equal(plain.headers["content-type"], type);
    const small = await request(server.url, path, { headers: { "Accept-Encoding": "gzip" } });
    assert.equal(small.headers["content-encoding"], "gzip");
    assert.equal(small.headers.vary, "Accept-Encoding, Origin");
    assert.ok(small.body.length < plain.body.length / 4);
    assert.equal(gunzipSync(Buffer.from(small.body, "latin1")).toString(), dump(flag));
    const again = await request(server.url, path, { headers: { "If-None-Match": plain.headers.etag } });
    assert.equal(again.status, 304);
    assert.equal(again.body, "");
    assert.equal((await request(server.url, path, { method: "HEAD" })).headers["content-length"], String(plain.body.length));
  }
  assert.equal((await request(server.url, "/api/v1/nothing.json")).status, 404);
});

test("docs/api.md is what the server writes: make api-docs", () => {
  const page = readFileSync(new URL("../../docs/api.md", import.meta.url), "utf8");
  assert.equal(page, dump("--dump-api-docs"));
});

describe("the reference at /docs", () => {
  let page;
  let html;
  before(async () => {
    page = await request(server.url, "/docs");
    html = Buffer.from(page.body, "latin1").toString();
  });
  const all = (pattern) => [...html.matchAll(pattern)].map((found) => found[1]);

  test("it has every command and event, each with an example that is JSON", () => {
    const { commands, events } = description();
    const titles = all(/<h3 id="[^"]*">([^<]*)<\/h3>/g);
    for (const { name } of [...commands, ...events]) assert.ok(titles.includes(name), name);
    const text = (code) => code.replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
    const examples = all(/<pre[^>]*><code>([^]*?)<\/code><\/pre>/g).map(text);
    assert.equal(examples.length, 2 * commands.length + events.length);
    for (const example of examples) assert.equal(typeof JSON.parse(example), "object");
  });

  test("its links lead somewhere, and no two places have one name", () => {
    const ids = all(/ id="([^"]*)"/g);
    assert.equal(new Set(ids).size, ids.length);
    const links = all(/href="#([^"]*)"/g);
    const { commands, events } = description();
    assert.ok(links.length >= commands.length + events.length);
    for (const link of links) assert.ok(ids.includes(link), link);
  });

  test("it keeps to the web client's policy: nothing inline, no script, its own style sheet", async () => {
    assert.equal(page.status, 200);
    assert.equal(page.headers["content-type"], "text/html; charset=utf-8");
    assert.match(page.headers["content-security-policy"], /style-src 'self'/);
    assert.doesNotMatch(html, /<script|<style|\sstyle=|\son\w+=|javascript:/i);
    assert.match(html, /^<!doctype html>\n<html lang="en">/);
    const css = await request(server.url, all(/<link rel="stylesheet" href="([^"]*)">/g)[0]);
    assert.equal(css.headers["content-type"], "text/css; charset=utf-8");
    assert.match(css.body, /prefers-color-scheme:dark/);
  });
});
