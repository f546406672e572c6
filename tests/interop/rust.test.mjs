// The Rust client, rust_socketio, built by make interop-rust: INTEROP_RUST.

import { after, before, test } from "node:test";
import { WAYS, bed, converse, program } from "./conversation.mjs";

let server;
before(async () => (server = await bed()));
after(() => server.stop());

for (const way of WAYS) {
  test(`rust_socketio chats by ${way}`, async () => {
    await converse(server, program([process.env.INTEROP_RUST]), way);
  });
}
