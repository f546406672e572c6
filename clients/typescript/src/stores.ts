import type { OutboxItem, OutboxStore } from "./outbox.js";

/** Keeps the queue as long as the process, or the page, lives. */
export function memoryStore(): OutboxStore {
  const items = new Map<string, OutboxItem>();
  return {
    all: (user) => Promise.resolve([...items.values()].filter((item) => item.user === user)),
    put: (item) => {
      items.set(item.client_msg_id, item);
      return Promise.resolve();
    },
    remove: (clientMsgId) => {
      items.delete(clientMsgId);
      return Promise.resolve();
    },
  };
}

/** Keeps the queue in localStorage, or in whatever else is a Storage; each message under a key of its own. */
export function webStore(storage: Storage = localStorage, prefix = "parley.outbox."): OutboxStore {
  const read = (key: string): OutboxItem[] => {
    try {
      const item = JSON.parse(storage.getItem(key) ?? "") as OutboxItem | null;
      return typeof item === "object" && item !== null ? [item] : [];
    } catch {
      return []; // somebody else's
    }
  };
  // What a Storage throws, as when it is full, is a rejection here.
  const promised = async <T>(act: () => T): Promise<T> => Promise.resolve(act());
  return {
    all: (user) =>
      promised(() => {
        const keys = Array.from({ length: storage.length }, (_, i) => storage.key(i) ?? "");
        const items = keys.filter((key) => key.startsWith(prefix)).flatMap(read);
        return items.filter((item) => item.user === user);
      }),
    put: (item) => promised(() => storage.setItem(prefix + item.client_msg_id, JSON.stringify(item))),
    remove: (clientMsgId) => promised(() => storage.removeItem(prefix + clientMsgId)),
  };
}
