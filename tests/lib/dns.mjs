// A DNS server for tests, on an address of its own in 127.0.0.0/8 (resolvers ask port 53 and no other), and the way to have one program
// ask it: in a mount namespace with another /etc/resolv.conf. That takes root.
//
//   const dns = await startDns({
//     "_mongodb._tcp.db.parley.test": { SRV: [{ port: 27017, target: "one.parley.test" }] },
//     "db.parley.test": { TXT: ["authSource=admin"] },
//     "one.parley.test": { A: ["127.0.0.1"] },
//   });
//   await start({ program: dns.program(PARLEYD) });
//   dns.asked;                // ["SRV _mongodb._tcp.db.parley.test", ...]
//   await dns.close();

import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { temporaryFolder } from "./parleyd.mjs";

const TYPES = { A: 1, TXT: 16, SRV: 33 };
const NO_SUCH_NAME = 3;

/** Why programs cannot be made to ask such a server here; undefined if they can. */
export const noDns = process.getuid() === 0 ? undefined : "answering on port 53 and a mount namespace take root";

const u16 = (...numbers) => Buffer.concat(numbers.map((n) => Buffer.from([n >> 8, n & 255])));
const text = (string) => Buffer.concat([Buffer.from([Buffer.byteLength(string)]), Buffer.from(string)]);
const name = (host) => Buffer.concat([...host.split(".").map(text), Buffer.from([0])]);

const DATA = {
  A: (address) => Buffer.from(address.split(".").map(Number)),
  TXT: text,
  SRV: ({ port, target }) => Buffer.concat([u16(0, 0, port), name(target)]),
};

function question(message) {
  const labels = [];
  let at = 12;
  for (; message[at] > 0; at += message[at] + 1) labels.push(message.toString("latin1", at + 1, at + 1 + message[at]));
  return { host: labels.join(".").toLowerCase(), type: message.readUInt16BE(at + 1), bytes: message.subarray(12, at + 5) };
}

function answer(message, { host, type, bytes }, records) {
  const kind = Object.keys(TYPES).find((key) => TYPES[key] === type);
  const found = records[host]?.[kind] ?? [];
  const header = u16(message.readUInt16BE(0), 0x8580 | (records[host] ? 0 : NO_SUCH_NAME), 1, found.length, 0, 0);
  const rows = found.map((value) => {
    const data = DATA[kind](value);
    return Buffer.concat([u16(0xc00c, type, 1, 0, 60, data.length), data]); // its name is that of the question; it lives 60 s
  });
  return Buffer.concat([header, bytes, ...rows]);
}

async function bind() {
  for (let attempt = 1; ; attempt++) {
    const socket = createSocket("udp4");
    const address = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
    try {
      socket.bind(53, address);
      await once(socket, "listening");
      return { socket, address };
    } catch (error) {
      socket.close();
      if (attempt === 3) throw error;
    }
  }
}

export async function startDns(records) {
  const { socket, address } = await bind();
  const asked = [];
  socket.on("message", (message, { port, address: from }) => {
    const asks = question(message);
    const kind = Object.keys(TYPES).find((key) => TYPES[key] === asks.type) ?? asks.type;
    asked.push(`${kind} ${asks.host}`);
    socket.send(answer(message, asks, records), port, from);
  });
  const file = join(temporaryFolder(), "resolv.conf");
  writeFileSync(file, `nameserver ${address}\noptions timeout:1 attempts:1\n`);
  return {
    asked,
    program: (...argv) => ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', file, ...argv],
    close: () => new Promise((resolve) => socket.close(resolve)),
  };
}
