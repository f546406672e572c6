// The reference part of docs/protocol.md, from the server's own description.
//
//   PARLEYD=build/parleyd node tests/lib/protocol-page.mjs    writes it into the page
//
// The part stands between two comments; what is around it is written by hand.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const PAGE = fileURLToPath(new URL("../../docs/protocol.md", import.meta.url));
const BEGIN = "<!-- From the server's tables: begin -->\n";
const END = "<!-- From the server's tables: end -->\n";

export const describe = () =>
  JSON.parse(execFileSync(process.env.PARLEYD, ["--dump-protocol"], { encoding: "utf8", maxBuffer: 1 << 24 }));

const count = (n) => n.toLocaleString("en");
const code = (text) => `\`${text}\``;
const cell = (text) => String(text).replaceAll("|", "\\|");
const table = (head, rows) =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |\n`).join("");

const WHO = { anyone: "anyone, also without a session", user: "whoever is signed in", admin: "admins and owners", owner: "owners" };

const UNITS = { text: "bytes", password: "bytes", cursor: "bytes", path: "bytes", ids: "ids", positions: "streams" };
const KINDS = {
  id_ref: "id or name",
  text: "text",
  line: "line",
  int: "integer",
  bool: "true or false",
  ids: "list of ids",
  positions: "positions",
  client_msg_id: "printable ASCII",
};

function kindOf(param) {
  if (param.type === "words") return `list of some of ${param.words.map(code).join(", ")}`;
  if (param.type === "enum") return param.words.map(code).join(" or ");
  const kind = KINDS[param.type] ?? param.type;
  if (["bool", "id", "name", "id_ref", "stream", "epoch", "cursor"].includes(param.type)) return kind;
  if (["int", "seq"].includes(param.type)) return `${kind}, ${count(param.min)} to ${count(param.max)}`;
  return `${kind}, ${count(param.min)} to ${count(param.max)} ${UNITS[param.type] ?? "characters"}`;
}

function needOf(param) {
  if (param.required) return "yes";
  return param.default === undefined ? "no" : `no: ${count(param.default)}`;
}

const fieldRows = (fields) =>
  fields.map((field) => [code(field.name), code(field.type) + (field.required ? "" : ", if any"), field.help]);

function resultOf(command, objects) {
  const object = objects.find((o) => o.name === command.result);
  if (object === undefined || !object.inline) return `Result: ${code(command.result)}\n`;
  if (object.fields.length === 0) return "Result: `{}`\n";
  const fields = object.fields.map((f) => `${code(f.name)} (${code(f.type)}${f.required ? "" : ", if any"})${f.help && `: ${f.help}`}`);
  return `Result: ${fields.join(", ").replaceAll(".,", ",").replace(/\.$/, "")}\n`;
}

function tokenOf(command) {
  if (command.access === "anyone") return "";
  return `Token: ${{ none: "any", session: "none" }[command.scope] ?? code(command.scope)}. `;
}

function commandPart(command, objects) {
  const params = command.params.map((param) => [code(param.name), kindOf(param), needOf(param), param.help]);
  return (
    `#### ${code(command.name)}\n\n${command.help}\n\n` +
    `Who: ${WHO[command.access]}. ${tokenOf(command)}Rate: ${command.rate}.\n\n` +
    (params.length > 0 ? `${table(["parameter", "what", "needed", ""], params)}\n` : "No parameters.\n\n") +
    resultOf(command, objects)
  );
}

function objectPart(object) {
  const base = object.extends === undefined ? "" : ` Has all of ${code(object.extends)} too.`;
  return `#### ${code(object.name)}\n\n${object.help}${base}\n\n${table(["member", "type", ""], fieldRows(object.fields))}`;
}

const STREAMS = { channel: "the channel's", user: "the user's own", ephemeral: "none: not logged" };
const eventRow = (event) => [
  code(event.name),
  STREAMS[event.stream],
  event.fields.map((f) => `${code(f.name)} (${code(f.type)}${f.required ? "" : ", if any"})`).join(", "),
  event.help,
];

/** The reference part for a description, without the comments around it. */
export function reference(d) {
  const families = [...new Set(d.commands.map((command) => command.name.split(".")[0]))];
  families.push(families.shift()); // admin goes last
  const family = (name) =>
    [`### Commands: ${name}\n`, ...d.commands.filter((c) => c.name.startsWith(`${name}.`)).map((c) => commandPart(c, d.objects))];
  return [
    ...families.flatMap(family),
    "### Events\n",
    table(["event", "stream", "carries", "when"], d.events.map(eventRow)),
    "### Objects\n",
    ...d.objects.filter((object) => !object.inline).map(objectPart),
    "### Words\n",
    table(["type", "one of", ""], d.enums.map((e) => [code(e.name), e.words.map(code).join(", "), e.help])),
    "### Scopes\n",
    table(["scope", "what a token with it may do"], Object.entries(d.scopes).map(([name, help]) => [code(name), help])),
    "### Errors\n",
    table(["type", "JSON-RPC", "HTTP", "title"], d.errors.map((e) => [code(e.type), e.code, e.status, e.title])),
    "### Close codes\n",
    table(["code", "reason"], d.close_codes.map((c) => [c.code, c.reason])),
    "### Limits\n",
    table(["limit", "value", ""], Object.entries(d.limits).map(([name, value]) => [code(name), count(value), d.limit_help[name]])),
    "### Rates\n",
    table(["rate", "a second", "at once"], Object.entries(d.rates).map(([name, r]) => [name, r.per_second || "any", r.burst || "any"])),
  ].join("\n");
}

/** The page, cut into before, reference part and after. */
export function parts() {
  const page = readFileSync(PAGE, "utf8");
  const begin = page.indexOf(BEGIN) + BEGIN.length;
  const end = page.indexOf(END);
  if (begin < BEGIN.length || end < begin) throw new Error(`${PAGE}: the comments around the reference part are missing`);
  return { before: page.slice(0, begin), reference: page.slice(begin, end), after: page.slice(end) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { before, after } = parts();
  writeFileSync(PAGE, `${before}\n${reference(describe())}\n${after}`);
}
