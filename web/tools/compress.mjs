// Writes .br and .gz beside every built file and fails when the whole client is over its budget.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const BUDGET_BYTES = 100_000;
const dist = fileURLToPath(new URL("../dist/", import.meta.url));

function* files(dir) {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else if (!/\.(br|gz)$/.test(entry.name)) yield path;
  }
}

let gzipTotal = 0;
let brotliTotal = 0;
for (const path of [...files(dist)]) {
  const body = readFileSync(path);
  const br = brotliCompressSync(body, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: body.length },
  });
  const gz = gzipSync(body, { level: 9 });
  writeFileSync(`${path}.br`, br);
  writeFileSync(`${path}.gz`, gz);
  brotliTotal += br.length;
  gzipTotal += gz.length;
}

const html = readFileSync(join(dist, "index.html"), "utf8");
if (/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/i.test(html)) {
  console.error("index.html has inline script or style, which the Content-Security-Policy forbids");
  process.exit(1);
}
const kb = (n) => `${(n / 1000).toFixed(1)} kB`;
console.log(`web client: ${kb(brotliTotal)} brotli, ${kb(gzipTotal)} gzip, budget ${kb(BUDGET_BYTES)}`);
if (gzipTotal > BUDGET_BYTES) {
  console.error("the client is over its budget");
  process.exit(1);
}
