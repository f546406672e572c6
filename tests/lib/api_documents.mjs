// What the server says of its interfaces, and what independent readers of these formats say of that.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url); // the packages are CommonJS
const { Parser } = require("@asyncapi/parser");
const { Document, Spectral } = require("@stoplight/spectral-core");
const { Json } = require("@stoplight/spectral-parsers");
const { oas } = require("@stoplight/spectral-rulesets");

export const dump = (flag) => execFileSync(process.env.PARLEYD, [flag], { encoding: "utf8", maxBuffer: 1 << 26 });

// A server's description names no contact and no licence of a service that somebody else runs; the schemas are those of
// both descriptions, and a few belong to the other one.
const OPENAPI_RULES = {
  extends: [[oas, "all"]],
  rules: { "info-contact": "off", "info-license": "off", "license-url": "off", "oas3-unused-component": "off" },
};

/** What Spectral has to say of an OpenAPI document, given as text: a list of sentences. */
export async function lintOpenapi(text) {
  const spectral = new Spectral();
  spectral.setRuleset(OPENAPI_RULES);
  const found = await spectral.run(new Document(text, Json));
  return found.map(({ code, path, message }) => `${code}: ${path.join(".")}: ${message}`);
}

// 3.0 is read by more programs than what came after it.
const ASYNCAPI_PASSED = ["asyncapi-latest-version"];

/** What the AsyncAPI parser has to say of a document, given as text. */
export async function lintAsyncapi(text) {
  const { diagnostics } = await new Parser().parse(text);
  return diagnostics
    .filter(({ code }) => !ASYNCAPI_PASSED.includes(code))
    .map(({ code, path, message }) => `${code}: ${path.join(".")}: ${message}`);
}
