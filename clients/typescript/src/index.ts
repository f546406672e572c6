export { Parley } from "./client.js";
export type { Args, Listener, Options, Sending } from "./client.js";
export type { SignOutReason, Status } from "./connection.js";
export { CallError } from "./errors.js";
export * from "./generated/protocol.js";
export { indexedDbStore } from "./indexeddb.js";
export type { OutboxItem, OutboxStore, Refusal } from "./outbox.js";
export { memoryStore, webStore } from "./stores.js";
export type { Positions } from "./tracker.js";
