// The web client's files as parleyd serves them: validators, encodings, headers, and nothing but these files.

import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";

import { start, temporaryFolder } from "../lib/parleyd.mjs";
import { raw, request } from "../lib/raw_http.mjs";

const INDEX = `<!doctype html><title>Parley</title>${"<p>some text</p>".repeat(200)}`;
const SCRIPT = "export const x = 1;\n".repeat(100);
const SCRIPT_PATH = "/assets/index-Ab12_-9Z.js";

let server;
let get;

before(async () => {
  const root = temporaryFolder();
  const web = join(root, "web");
  mkdirSync(join(web, "assets"), { recursive: true });
  const put = (path, text, variants) => {
    writeFileSync(join(web, path), text);
    if (!variants) return;
    writeFileSync(join(web, `${path}.br`), brotliCompressSync(text));
    writeFileSync(join(web, `${path}.gz`), gzipSync(text));
  };
  put("index.html", INDEX, true);
  put(SCRIPT_PATH, SCRIPT, true);
  put("favicon.svg", "<svg/>", false);
  writeFileSync(join(root, "secret.txt"), "SECRET");
  symlinkSync(join(root, "secret.txt"), join(web, "link.txt"));
  server = await start({ args: ["--web-root", web] });
  get = (path, options) => request(server.url, path, options);
});
after(() => server.stop());

test("the index and every route of the client are the same page", async () => {
  for (const path of ["/", "/index.html", "/c/01abc", "/c/01abc/thread", "/?x=1"]) {
    const { status, headers, body } = await get(path);
    assert.equal(status, 200, path);
    assert.equal(body, INDEX, path);
    assert.equal(headers["content-type"], "text/html; charset=utf-8");
    assert.equal(headers["content-length"], String(INDEX.length));
    assert.equal(headers["cache-control"], "no-cache");
  }
});

test("br is sent before gzip, gzip before the file itself, each as the client accepts it", async () => {
  const cases = [
    ["gzip, deflate, br", "br", (body) => brotliDecompressSync(body)],
    ["gzip", "gzip", (body) => gunzipSync(body)],
    ["br;q=0.1, gzip;q=0.9", "gzip", (body) => gunzipSync(body)],
    ["identity", undefined, (body) => body],
    ["br;q=0", undefined, (body) => body],
  ];
  for (const [accept, encoding, decode] of cases) {
    const { headers, body } = await get(SCRIPT_PATH, { headers: { "Accept-Encoding": accept } });
    assert.equal(headers["content-encoding"], encoding, accept);
    assert.equal(headers.vary, "Accept-Encoding");
    assert.equal(headers["content-type"], "text/javascript; charset=utf-8");
    assert.equal(decode(Buffer.from(body, "latin1")).toString(), SCRIPT, accept);
  }
});

test("names with a hash are kept for ever, the rest is asked for again", async () => {
  assert.equal((await get(SCRIPT_PATH)).headers["cache-control"], "public, max-age=31536000, immutable");
  assert.equal((await get("/favicon.svg")).headers["cache-control"], "no-cache");
});

test("a client that has the version gets 304 without a body", async () => {
  for (const accept of ["br", "identity"]) {
    const first = await get("/", { headers: { "Accept-Encoding": accept } });
    assert.match(first.headers.etag, /^"[0-9a-f]{32}"$/);
    const again = await get("/", { headers: { "Accept-Encoding": accept, "If-None-Match": `"x", ${first.headers.etag}` } });
    assert.equal(again.status, 304);
    assert.equal(again.body, "");
    assert.equal(again.headers.etag, first.headers.etag);
    assert.equal(again.headers["cache-control"], "no-cache");
    const other = await get("/", { headers: { "Accept-Encoding": accept, "If-None-Match": '"other"' } });
    assert.equal(other.status, 200);
  }
});

test("HEAD has the headers of GET and no body", async () => {
  for (const path of ["/", SCRIPT_PATH, "/nothing.js", "/healthz"]) {
    const head = await get(path, { method: "HEAD" });
    const full = await get(path);
    assert.equal(head.status, full.status, path);
    assert.equal(head.body, "", path);
    delete head.headers.date;
    delete full.headers.date;
    assert.deepEqual(head.headers, full.headers, path);
  }
});

test("a connection stays open for the next request, also after HEAD and 304", async () => {
  const { etag } = (await get("/")).headers;
  const host = `Host: ${new URL(server.url).host}\r\n`;
  const text = await raw(
    server.url,
    `HEAD / HTTP/1.1\r\n${host}\r\nGET / HTTP/1.1\r\n${host}If-None-Match: ${etag}\r\n\r\n` +
      `GET /favicon.svg HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
    { until: (so) => so.endsWith("<svg/>") },
  );
  const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map((match) => match[1]);
  assert.deepEqual(statuses, ["200", "304", "200"], text);
});

test("every answer has the security headers, and no policy allows anything inline", async () => {
  for (const path of ["/", SCRIPT_PATH, "/nothing.js", "/healthz", "/api/v1/server.info"]) {
    const { headers } = await get(path);
    const policy = headers["content-security-policy"];
    assert.match(policy, /default-src '(self|none)'/, path);
    assert.match(policy, /frame-ancestors 'none'/, path);
    assert.doesNotMatch(policy, /unsafe|\*/, path);
    assert.equal(headers["x-content-type-options"], "nosniff", path);
    assert.match(headers["referrer-policy"], /^(same-origin|no-referrer)$/, path);
  }
  const { headers } = await get("/");
  assert.match(headers["content-security-policy"], /object-src 'none'.*base-uri 'none'.*form-action 'self'/);
  assert.equal(headers["cross-origin-opener-policy"], "same-origin");
  assert.ok(headers["permissions-policy"]);
});

test("no path leads out of the web root", async () => {
  const attempts = [
    "/../secret.txt",
    "/..%2fsecret.txt",
    "/%2e%2e/secret.txt",
    "/%2e%2e%2fsecret.txt",
    "/assets/../../secret.txt",
    "/assets/..%2f..%2fsecret.txt",
    "/%252e%252e/secret.txt",
    "/..\\secret.txt",
    "/..%5csecret.txt",
    "/....//secret.txt",
    "//secret.txt",
    "/./../secret.txt",
    "/link.txt",
    "/secret.txt%00.html",
    "/index.html%00",
    "/%c0%ae%c0%ae/secret.txt",
    "/etc/passwd.txt",
    "/%zz.txt",
    `/${"a/".repeat(2000)}x.txt`,
    `/${"../".repeat(300)}etc/passwd`,
  ];
  for (const path of attempts) {
    const answer = await raw(server.url, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, {
      until: (text) => /\r\n\r\n[^]*\n$/.test(text) || text.includes("</p>"),
    }).catch((error) => {
      if (error.code === "ECONNRESET") return ""; // refused without an answer
      throw error;
    });
    assert.ok(!answer.includes("SECRET") && !answer.includes("root:"), path);
    assert.match(answer, /^$|^HTTP\/1\.[01] (400|403|404|414|431|200)/, path);
    if (answer.includes(" 200 ")) assert.ok(answer.includes("<!doctype html>"), path);
  }
});

test("other methods are refused by name", async () => {
  for (const method of ["PUT", "DELETE", "OPTIONS", "PATCH"]) {
    const text = await raw(
      server.url,
      `${method} / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
      { until: (so) => so.includes("\r\n\r\n") },
    );
    assert.match(text, /^HTTP\/1\.1 (405|501) /, method);
  }
});

test("without a web client a page says how to build it", async () => {
  const bare = await start({ args: ["--web-root", join(temporaryFolder(), "none")] });
  try {
    const { status, headers, body } = await request(bare.url, "/");
    assert.equal(status, 404);
    assert.equal(headers["content-type"], "text/html; charset=utf-8");
    assert.match(body, /make web/);
    assert.match(bare.log(), /no web client/);
  } finally {
    await bare.stop();
  }
});
