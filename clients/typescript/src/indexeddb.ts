import type { OutboxItem, OutboxStore } from "./outbox.js";

const STORE = "outbox";

/** Keeps the queue in IndexedDB, written to disk before a message counts as kept. Tabs of one origin share it. */
export function indexedDbStore(name = "parley"): OutboxStore {
  let opened: Promise<IDBDatabase> | undefined;

  const open = () =>
    (opened ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore(STORE, { keyPath: "client_msg_id" });
      };
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error ?? new Error("indexedDB"));
    }));

  async function run<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const db = await open();
    return new Promise<T>((resolve, reject) => {
      const tx = db.transaction(STORE, mode, { durability: "strict" });
      const request = act(tx.objectStore(STORE));
      tx.oncomplete = () => resolve(request.result);
      tx.onabort = tx.onerror = () => reject(tx.error ?? new Error("indexedDB"));
    });
  }

  return {
    async all(user) {
      const items = await run("readonly", (s) => s.getAll() as IDBRequest<OutboxItem[]>);
      return items.filter((item) => item.user === user);
    },
    async put(item) {
      await run("readwrite", (s) => s.put(item));
    },
    async remove(clientMsgId) {
      await run("readwrite", (s) => s.delete(clientMsgId));
    },
  };
}
