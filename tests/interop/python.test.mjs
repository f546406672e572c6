// python-socketio, Debian's: with and without asyncio.

import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { WAYS, bed, converse, program } from "./conversation.mjs";

const PYTHON = "/usr/bin/python3"; // the one that Debian's packages are for
const script = (name) => fileURLToPath(new URL(`python/${name}.py`, import.meta.url));

let server;
before(async () => (server = await bed()));
after(() => server.stop());

for (const [name, title] of [["sync", "python-socketio"], ["async", "python-socketio with asyncio"]]) {
  for (const way of WAYS) {
    test(`${title} chats by ${way}`, async () => {
      await converse(server, program([PYTHON, script(name)]), way);
    });
  }
}
