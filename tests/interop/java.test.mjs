// The Java client, io.socket:socket.io-client, built by make interop-java: INTEROP_JAVA.

import { after, before, test } from "node:test";
import { join } from "node:path";
import { WAYS, bed, converse, program } from "./conversation.mjs";

const BUILT = process.env.INTEROP_JAVA;
const JAVA = ["java", "-XX:TieredStopAtLevel=1", "-cp", `${join(BUILT, "classes")}:${join(BUILT, "lib/*")}`, "interop.Main"];

let server;
before(async () => (server = await bed()));
after(() => server.stop());

for (const way of WAYS) {
  test(`the Java client chats by ${way}`, async () => {
    await converse(server, program(JAVA), way);
  });
}
