// A process that writes messages and can be killed at any moment: sender.mjs <url> <token> <channel> <store> [text]...
// It sends each text, then prints "written", and "empty" when nothing waits any more. SWALLOW=n: it hears neither the n-th answer to
// message.send nor the events from then on, so that the server has a message that this process does not know to be there.

import { fileStore } from "@parley/client/node";
import { client, tampered } from "./lib.mjs";

const [url, token, channel, store, ...texts] = process.argv.slice(2);
const swallow = Number(process.env.SWALLOW ?? Infinity);
const sends = new Set();
let answers = 0;

const parley = client({ url }, { token }, {
  store: fileStore(store),
  WebSocket: tampered({
    sent: ({ method, id }) => method !== "message.send" || sends.add(id),
    received: ({ id, method }) => {
      if (sends.has(id)) answers++;
      return answers < swallow || (!sends.has(id) && method === undefined);
    },
  }),
});
const look = () => parley.outbox.size === 0 && console.log("empty");
parley.listen({ acked: look });
const restored = new Promise((resolve) => parley.listen({ restored: resolve }));
await parley.start();
for (const text of texts) parley.send(channel, text);
console.log("written");
await restored;
look();
