// Is an answer or an event what the server's own OpenAPI and AsyncAPI documents say it is? Strictly: those let clients expect
// more members than are described, here each of them is one too many.

import { createRequire } from "node:module";
import { dump } from "./api_documents.mjs";

const { Ajv2020 } = createRequire(import.meta.url)("ajv/dist/2020.js");

/** Closes every object whose members are listed. */
function closed(value) {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.fromEntries(Object.entries(value).map(([key, member]) => [key, closed(member)]));
  const lists = value.type === "object" && typeof value.properties === "object";
  return lists && !("additionalProperties" in value) ? { ...members, additionalProperties: false } : members;
}

// Errors of the way in, before there is a command.
const ANYWAY = ["parse_error", "invalid_request", "unknown_command", "too_large", "rate_limited", "internal", "unavailable"];

export class Schema {
  #ajv = new Ajv2020({ strict: false, validateSchema: false, validateFormats: false, allErrors: true, verbose: true });
  #compiled = new Map();

  constructor(openapi, asyncapi) {
    this.openapi = openapi;
    this.asyncapi = asyncapi;
    this.#ajv.addSchema({ paths: closed(openapi.paths), components: closed(openapi.components) }, "openapi");
    this.#ajv.addSchema({ components: closed(asyncapi.components) }, "asyncapi");
  }

  /** What is wrong with the result of COMMAND: a list of sentences. */
  result(command, value) {
    return this.#check(`asyncapi#/components/messages/${command}.result/payload/properties/result`, value, command);
  }

  /** What is wrong with an event { method, params }. */
  event(event) {
    const { method } = event;
    if (this.asyncapi.components.messages[method]?.["x-stream"] === undefined) return [`${method}: there is no such event`];
    const wrong = this.#check(`asyncapi#/components/messages/${method}/payload`, { jsonrpc: "2.0", ...event }, method);
    const stream = { channel: "c:", user: "u:" }[this.asyncapi.components.messages[method]["x-stream"]];
    if (stream !== undefined && !String(event.params.stream).startsWith(stream)) wrong.push(`${method}: is in ${event.params.stream}`);
    return wrong;
  }

  /** What is wrong with the payload of the AsyncAPI message NAME. */
  payload(name, value) {
    return this.#check(`asyncapi#/components/messages/${name}/payload`, value, name);
  }

  /** What is wrong with a whole frame from the server; COMMAND is what it answers, if it answers. */
  frame(frame, command) {
    if (frame.method !== undefined) return this.event(frame);
    if (frame.error !== undefined)
      return [
        ...this.#check("asyncapi#/components/messages/error/payload", frame, command),
        ...this.#kind(this.asyncapi.operations[command], command, frame.error.data?.type),
      ];
    if (this.asyncapi.operations[command] === undefined) return [`${command}: has a result, and does not exist`];
    return this.#check(`asyncapi#/components/messages/${command}.result/payload`, frame, command);
  }

  /** What is wrong with an answer over HTTP. */
  http(command, { status, type, body }) {
    const operation = this.openapi.paths[`/api/v1/${command}`]?.post;
    const media = type?.split(";")[0];
    if (operation === undefined) return this.#check("openapi#/components/schemas/Problem", body, command);
    const response = operation.responses[status];
    if (response === undefined) return [`${command}: is not described to answer ${status}: ${JSON.stringify(body)}`];
    const at = response.$ref ?? `#/paths/~1api~1v1~1${command}/post/responses/${status}`;
    const { content } = response.$ref ? this.openapi.components.responses[at.split("/").at(-1)] : response;
    if (content[media] === undefined) return [`${command}: answers ${status} with ${media}`];
    const wrong = this.#check(`openapi${at}/content/${media.replace("/", "~1")}/schema`, body, command);
    if (status === 200) return wrong;
    if (body.status !== status) wrong.push(`${command}: ${status} has problem details with status ${body.status}`);
    return [...wrong, ...this.#kind(operation, command, body.type)];
  }

  #kind(operation, command, type) {
    if (operation === undefined || ANYWAY.includes(type) || operation["x-errors"].includes(type)) return [];
    return [`${command}: is not described to fail with ${type}`];
  }

  #check(ref, value, at) {
    if (!this.#compiled.has(ref)) this.#compiled.set(ref, this.#ajv.compile({ $ref: ref }));
    const check = this.#compiled.get(ref);
    if (check(value)) return [];
    return check.errors.map(({ instancePath, message, params, data }) =>
      `${at}${instancePath}: ${JSON.stringify(data)?.slice(0, 200)} ${message} ${JSON.stringify(params)}`);
  }
}

let ours;
/** The one of the server that is tested. */
export function schema() {
  ours ??= new Schema(JSON.parse(dump("--dump-openapi")), JSON.parse(dump("--dump-asyncapi")));
  return ours;
}
