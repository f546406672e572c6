// What a client knows, as pure functions of what happened, and what keeps it up: the entry "@parley/client/state".

export { Chat } from "./chat.js";
export { reduce, TYPING_MS } from "./reducer.js";
export type { Action } from "./reducer.js";
export * from "./selectors.js";
export { EMPTY } from "./types.js";
export type { ChannelState, Pending, State, Window } from "./types.js";
export { WINDOW_MAX } from "./window.js";
export type { Page } from "./window.js";
