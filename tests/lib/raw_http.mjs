// HTTP by hand over a socket, for requests that no client library would send.

import { connect } from "node:net";

/** Sends TEXT; gives what came back until the server closes, or until `until` says that it is enough. */
export function raw(url, text, { until = () => false, ms = 20_000 } = {}) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) });
    const chunks = [];
    const finish = (action) => {
      clearTimeout(timer);
      socket.destroy();
      action();
    };
    const all = () => Buffer.concat(chunks).toString("latin1");
    const timer = setTimeout(() => finish(() => reject(new Error(`no end of the answer within ${ms} ms: ${all()}`))), ms);
    socket.on("connect", () => socket.write(text));
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      if (until(all())) finish(() => resolve(all()));
    });
    socket.on("end", () => finish(() => resolve(all())));
    socket.on("error", (error) => finish(() => (chunks.length > 0 ? resolve(all()) : reject(error))));
  });
}

/** Header lines as { name: value }; names in lower case, what comes twice with a comma between (RFC 9110 section 5.2). */
function headersOf(fields) {
  const headers = {};
  for (const field of fields) {
    const name = field.slice(0, field.indexOf(":")).toLowerCase();
    const value = field.slice(field.indexOf(":") + 1).trim();
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  return headers;
}

/** The whole answer to one GET-like request: { status, headers, body }; header names in lower case. */
export async function request(url, path, { method = "GET", headers = {} } = {}) {
  const lines = Object.entries({ Host: new URL(url).host, Connection: "close", ...headers });
  const head = `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
  const whole = (text) => {
    const end = text.indexOf("\r\n\r\n");
    if (end < 0) return false;
    const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1];
    const sent = method === "HEAD" || /^HTTP\/1\.1 304 /.test(text) ? 0 : Number(length ?? 0);
    return text.length >= end + 4 + sent;
  };
  const text = await raw(url, Buffer.from(head, "latin1"), { until: whole });
  const end = text.indexOf("\r\n\r\n");
  const [status, ...fields] = text.slice(0, end).split("\r\n");
  return {
    status: Number(status.split(" ")[1]),
    headers: headersOf(fields),
    body: text.slice(end + 4),
  };
}

/** The answers in TEXT, one after the other: [{ status, headers, body }]; the last one may be cut. Not for HEAD. */
export function answers(text) {
  const all = [];
  while (text !== "") {
    const end = text.indexOf("\r\n\r\n");
    if (end < 0) break;
    const [status, ...fields] = text.slice(0, end).split("\r\n");
    const headers = headersOf(fields);
    const length = Number(headers["content-length"] ?? 0);
    all.push({ status: Number(status.split(" ")[1]), headers, body: text.slice(end + 4, end + 4 + length) });
    text = text.slice(end + 4 + length);
  }
  return all;
}
