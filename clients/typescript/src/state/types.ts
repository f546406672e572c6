import type { ChannelView, Id, Message, PresenceState, ServerInfo, Stream, User } from "../generated/protocol.js";

/** A message of this person's that the server has not acknowledged. */
export interface Pending {
  client_msg_id: string;
  channel: Id;
  text: string;
  created_at: string;
  /** Why it could not be sent; it then waits for Retry or Delete. */
  failed?: string;
}

/** The loaded, contiguous part of a channel's messages. */
export interface Window {
  messages: readonly Message[];
  moreBefore: boolean;
  moreAfter: boolean;
}

export interface ChannelState {
  view: ChannelView;
  window: Window | null;
  pending: readonly Pending[];
  /** Messages after this seq are under the "New" divider; null: no divider. */
  divider: number | null;
  /** The list shows the end and follows it. */
  following: boolean;
  /** Who types, until when (milliseconds). */
  typing: Readonly<Record<Id, number>>;
}

export interface State {
  me: User | null;
  server: Pick<ServerInfo, "name" | "version"> | null;
  session: Id | null;
  users: Readonly<Record<Id, User>>;
  presence: Readonly<Record<Id, PresenceState>>;
  channels: Readonly<Record<Id, ChannelState>>;
  current: Id | null;
  /** The positions session.start answered with: what an event up to there says is already in its answer. */
  cuts: Readonly<Record<Stream, number>>;
}

export const EMPTY: State = {
  me: null,
  server: null,
  session: null,
  users: {},
  presence: {},
  channels: {},
  current: null,
  cuts: {},
};
