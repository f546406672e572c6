// What says that it is a MongoDB server, and answers as a test wants: what no server at hand can be brought to say.
//
//   const server = await startScripted({ hello: { maxWireVersion: 9 } });            // an old one
//   const server = await startScripted({ answer: (command) => ({ ok: 0, code: 13, errmsg: "not authorized" }) });
//   server.uri; server.port; await server.close();

import { once } from "node:events";
import { createServer } from "node:net";

import { BSON } from "mongodb";

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const HELLO = { ok: 1, ismaster: true, helloOk: true, isWritablePrimary: true, maxBsonObjectSize: 16 << 20, maxMessageSizeBytes: 48_000_000, maxWriteBatchSize: 100_000, minWireVersion: 0, maxWireVersion: 21, readOnly: false };

function reply(message, hello, answer) {
  const kind = message.readInt32LE(12);
  const id = message.readInt32LE(4);
  // A query (of the driver's first question) names a collection before its document, a message has flags and a section's kind.
  const at = kind === OP_QUERY ? message.indexOf(0, 20) + 9 : 21;
  const command = BSON.deserialize(message.subarray(at, at + message.readInt32LE(at)));
  const verb = Object.keys(command)[0].toLowerCase();
  const document = BSON.serialize(verb === "hello" || verb === "ismaster" ? { ...HELLO, ...hello } : answer(command));
  const before = Buffer.alloc(kind === OP_QUERY ? 20 : 5);
  if (kind === OP_QUERY) before.writeInt32LE(1, 16); // one document
  const header = Buffer.alloc(16);
  header.writeInt32LE(16 + before.length + document.length, 0);
  header.writeInt32LE(id, 8);
  header.writeInt32LE(kind === OP_QUERY ? OP_REPLY : OP_MSG, 12);
  return Buffer.concat([header, before, document]);
}

export async function startScripted({ hello = {}, answer = () => ({ ok: 1 }) } = {}) {
  const sockets = new Set();
  const server = createServer((socket) => {
    let pending = Buffer.alloc(0);
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
    socket.on("data", (data) => {
      pending = Buffer.concat([pending, data]);
      while (pending.length >= 16 && pending.length >= pending.readInt32LE(0)) {
        const length = pending.readInt32LE(0);
        socket.write(reply(pending.subarray(0, length), hello, answer));
        pending = pending.subarray(length);
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: server.address().port,
    uri: `mongodb://127.0.0.1:${server.address().port}/`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
