import type { Id } from "../generated/protocol";
import type { OutboxItem, OutboxStore } from "./outbox";

const DB = "parley";
const STORE = "outbox";

/** The outbox in IndexedDB. Where that is not to be had (some private windows) the queue lives as long as the page. */
export class IndexedOutbox implements OutboxStore {
  private db: Promise<IDBDatabase> | null = null;

  async all(user: Id): Promise<OutboxItem[]> {
    const items = await this.run<OutboxItem[]>("readonly", (s) => s.getAll() as IDBRequest<OutboxItem[]>);
    return items.filter((i) => i.user === user).sort((a, b) => a.n - b.n);
  }

  async put(item: OutboxItem): Promise<void> {
    await this.run("readwrite", (s) => s.put({ ...item }));
  }

  async remove(clientMsgId: string): Promise<void> {
    await this.run("readwrite", (s) => s.delete(clientMsgId));
  }

  private open(): Promise<IDBDatabase> {
    this.db ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(DB, 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore(STORE, { keyPath: "client_msg_id" });
      };
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error ?? new Error("indexedDB"));
    });
    return this.db;
  }

  private async run<T>(mode: IDBTransactionMode, act: (s: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const db = await this.open();
    return new Promise<T>((resolve, reject) => {
      const tx = db.transaction(STORE, mode, { durability: "strict" });
      const request = act(tx.objectStore(STORE));
      tx.oncomplete = () => resolve(request.result);
      tx.onabort = () => reject(tx.error ?? new Error("indexedDB"));
      tx.onerror = () => reject(tx.error ?? new Error("indexedDB"));
    });
  }
}
