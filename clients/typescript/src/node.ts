// What only Node.js has: the entry "@parley/client/node".

import { open, readFile, rename } from "node:fs/promises";
import type { OutboxItem, OutboxStore } from "./outbox.js";

/**
 * Keeps the queue in a file, for one process at a time. Each change writes a new file, syncs it and puts it in the old one's
 * place, so that whatever happens the one or the other is there, whole. A file that is not a queue is an error, not an empty queue.
 */
export function fileStore(path: string): OutboxStore {
  let loading: Promise<Map<string, OutboxItem>> | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const load = () => (loading ??= readItems(path));
  const change = (act: (items: Map<string, OutboxItem>) => void): Promise<void> => {
    const turn = last.then(async () => {
      const items = await load();
      act(items);
      await replaceFile(path, JSON.stringify([...items.values()]));
    });
    last = turn.catch(() => undefined);
    return turn;
  };

  return {
    all: async (user) => {
      await last;
      return [...(await load()).values()].filter((item) => item.user === user);
    },
    put: (item) => change((items) => items.set(item.client_msg_id, item)),
    remove: (clientMsgId) => change((items) => items.delete(clientMsgId)),
  };
}

async function readItems(path: string): Promise<Map<string, OutboxItem>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return new Map();
    throw error;
  }
  const items = JSON.parse(text) as unknown;
  if (!Array.isArray(items)) throw new Error(`${path} is not a queue of messages`);
  return new Map((items as OutboxItem[]).map((item) => [item.client_msg_id, item]));
}

async function replaceFile(path: string, text: string): Promise<void> {
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}
