// The whole of the client's knowledge as a pure function of what happened. No I/O, no clock: actions carry their times.

import type {
  AnyEvent,
  Channel,
  ChannelView,
  Events,
  Id,
  Message,
  PresenceState,
  SessionStarted,
  Stream,
  User,
} from "../generated/protocol.js";
import { cutsOf } from "../cuts.js";
import type { ChannelState, Pending, State } from "./types.js";
import { EMPTY } from "./types.js";
import { append, fromPage, lastNo, replace, withNewer, withOlder } from "./window.js";
import type { Page } from "./window.js";

export type Action =
  | { type: "session/started"; session: SessionStarted; dropped: readonly Stream[] }
  | { type: "session/ended" }
  | { type: "event"; event: AnyEvent; now: number }
  | { type: "stream/resync"; stream: Stream }
  | { type: "history/loaded"; channel: Id; page: Page; users: readonly User[] }
  | { type: "history/older"; channel: Id; before: number; page: Page; users: readonly User[] }
  | { type: "history/newer"; channel: Id; after: number; page: Page; users: readonly User[] }
  | { type: "channel/opened"; channel: Id | null }
  | { type: "channel/upsert"; view: ChannelView }
  | { type: "channel/changed"; channel: Channel }
  | { type: "channel/removed"; channel: Id }
  | { type: "channel/following"; channel: Id; following: boolean }
  | { type: "divider/set"; channel: Id; seq: number | null }
  | { type: "read/marked"; channel: Id; last_read_seq: number; unread: number; mentions: number }
  | { type: "pending/put"; pending: Pending }
  | { type: "pending/removed"; channel: Id; client_msg_id: string }
  | { type: "message/acked"; client_msg_id: string; message: Message }
  | { type: "message/changed"; message: Message }
  | { type: "users/learned"; users: readonly User[] }
  | { type: "presence/learned"; presence: Readonly<Record<Id, PresenceState>> }
  | { type: "typing/expired"; now: number };

export const TYPING_MS = 6_000;

export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case "session/started":
      return started(state, action.session, action.dropped);
    case "session/ended":
      return EMPTY;
    case "event":
      return onEvent(state, action.event, action.now);
    case "stream/resync":
      return forget(state, action.stream);
    case "history/loaded":
    case "history/older":
    case "history/newer":
      return onHistory(state, action);
    case "channel/opened":
      return opened(state, action.channel);
    case "channel/upsert":
      return upsert(state, action.view);
    case "channel/changed":
      return inChannel(state, action.channel.id, (c) => ({ ...c, view: { ...c.view, ...action.channel } }));
    case "channel/removed":
      return removeChannel(state, action.channel);
    case "channel/following":
      return inChannel(state, action.channel, (c) =>
        c.following === action.following ? c : { ...c, following: action.following },
      );
    case "divider/set":
      return inChannel(state, action.channel, (c) => ({ ...c, divider: action.seq }));
    case "read/marked":
      return onRead(state, action);
    case "pending/put":
      return inChannel(state, action.pending.channel, (c) => putPending(c, action.pending));
    case "pending/removed":
      return inChannel(state, action.channel, (c) => dropPending(c, action.client_msg_id));
    case "message/acked":
      return acked(state, action.client_msg_id, action.message);
    case "message/changed":
      return inChannel(state, action.message.channel, (c) =>
        c.window === null ? c : { ...c, window: replace(c.window, action.message) },
      );
    case "users/learned":
      return { ...state, users: learn(state.users, action.users) };
    case "presence/learned":
      return { ...state, presence: { ...state.presence, ...action.presence } };
    case "typing/expired":
      return expireTyping(state, action.now);
  }
}

function started(state: State, session: SessionStarted, dropped: readonly Stream[]): State {
  const channels: Record<Id, ChannelState> = {};
  let users = learn(state.users, [session.user]);
  for (const view of session.channels) {
    const before = state.channels[view.id];
    const lost = dropped.includes(`c:${view.id}`);
    channels[view.id] =
      before === undefined ? fresh(view) : { ...before, view, window: lost ? null : before.window, typing: {} };
    users = learn(users, view.users ?? []);
  }
  const cuts: Record<Stream, number> = {};
  for (const [stream, cut] of Object.entries(cutsOf(session))) cuts[stream] = cut.seq;
  const current = state.current !== null && channels[state.current] !== undefined ? state.current : null;
  const { name, version } = session.server;
  return {
    ...state,
    me: session.user,
    session: session.session,
    server: { name, version },
    users,
    channels,
    cuts,
    current,
  };
}

function onEvent(state: State, event: AnyEvent, now: number): State {
  switch (event.method) {
    case "message.created":
      return created(state, event.params);
    case "message.updated":
    case "message.deleted": {
      const { message } = event.params;
      return inChannel(state, message.channel, (c) =>
        c.window === null ? c : { ...c, window: replace(c.window, message) },
      );
    }
    case "member.joined":
    case "member.left":
      return membership(state, event);
    case "channel.updated":
    case "channel.archived": {
      const { channel } = event.params;
      if (isOld(state, event.params)) return state;
      return inChannel(state, channel.id, (c) => ({ ...c, view: { ...c.view, ...channel } }));
    }
    case "channel.joined":
      return isOld(state, event.params) ? state : upsert(state, event.params.channel);
    case "channel.left":
      return isOld(state, event.params) ? state : removeChannel(state, event.params.channel.id);
    case "user.updated":
      return userUpdated(state, event.params.user);
    case "read.updated":
      return onRead(state, event.params);
    case "typing":
      return typing(state, event.params, now);
    case "presence.changed":
      return { ...state, presence: { ...state.presence, [event.params.user]: event.params.state } };
    case "session.revoked":
    case "server.draining":
      return state;
    default:
      return state;
  }
}

/** Events up to the cut only replay what session.start's answer already says about channels and members. */
function isOld(state: State, params: { stream: Stream; seq: number }): boolean {
  return params.seq <= (state.cuts[params.stream] ?? 0);
}

function created(state: State, params: Events["message.created"]): State {
  const { message } = params;
  return inChannel(state, message.channel, (c) => {
    const mine = message.author === state.me?.id;
    let next: ChannelState = {
      ...c,
      typing: without(c.typing, message.author),
      view: counted(c.view, message, mine, state.me?.id),
    };
    if (mine && message.client_msg_id !== undefined) next = dropPending(next, message.client_msg_id);
    if (next.window !== null) next = { ...next, window: append(next.window, message, next.following) };
    if (mine && next.divider !== null) next = { ...next, divider: null };
    return next;
  });
}

function counted(view: ChannelView, message: Message, mine: boolean, me: Id | undefined): ChannelView {
  if (message.msg_no <= view.msg_no) return view;
  const next = { ...view, msg_no: message.msg_no, seq: Math.max(view.seq, message.seq) };
  if (message.seq <= view.last_read_seq) return next;
  // As the server does: an author who had read everything has read this too; one who had not is no further.
  if (mine && view.unread === 0) return { ...next, last_read_seq: message.seq };
  const named = me !== undefined && message.mentions?.includes(me) === true;
  return { ...next, unread: view.unread + 1, mentions: view.mentions + (named ? 1 : 0) };
}

function membership(
  state: State,
  event: { method: "member.joined" | "member.left"; params: Events["member.joined"] },
): State {
  const { stream, user } = event.params;
  const next = { ...state, users: learn(state.users, [user]) };
  if (isOld(state, event.params)) return next;
  const by = event.method === "member.joined" ? 1 : -1;
  return inChannel(next, stream.slice(2), (c) => {
    // A join of one's own is already counted in the view that came with it.
    if (user.id === state.me?.id && by > 0) return c;
    return { ...c, view: { ...c.view, members: Math.max(0, c.view.members + by) } };
  });
}

function userUpdated(state: State, user: User): State {
  const me = state.me?.id === user.id ? { ...state.me, ...user } : state.me;
  return { ...state, me, users: learn(state.users, [user]) };
}

function onRead(
  state: State,
  read: { channel: Id; last_read_seq: number; unread: number; mentions: number },
): State {
  return inChannel(state, read.channel, (c) => {
    if (read.last_read_seq < c.view.last_read_seq) return c;
    const { last_read_seq, unread, mentions } = read;
    return { ...c, view: { ...c.view, last_read_seq, unread, mentions } };
  });
}

function typing(state: State, params: Events["typing"], now: number): State {
  if (params.user === state.me?.id) return state;
  return inChannel(state, params.channel, (c) => ({
    ...c,
    typing: { ...c.typing, [params.user]: now + TYPING_MS },
  }));
}

function expireTyping(state: State, now: number): State {
  let next = state;
  for (const [id, channel] of Object.entries(state.channels)) {
    const left = Object.entries(channel.typing).filter(([, until]) => until > now);
    if (left.length === Object.keys(channel.typing).length) continue;
    next = inChannel(next, id, (c) => ({ ...c, typing: Object.fromEntries(left) }));
  }
  return next;
}

function onHistory(
  state: State,
  action: Extract<Action, { type: "history/loaded" | "history/older" | "history/newer" }>,
): State {
  const learned = { ...state, users: learn(state.users, action.users) };
  return inChannel(learned, action.channel, (c) => {
    const topNo = c.view.msg_no;
    if (action.type === "history/loaded") return settle({ ...c, window: fromPage(action.page, topNo) });
    if (c.window === null) return c;
    // An answer to a question about another window is of no use: it would leave a hole.
    if (action.type === "history/older") {
      if (c.window.messages[0]?.seq !== action.before) return c;
      return { ...c, window: withOlder(c.window, action.page) };
    }
    if ((c.window.messages.at(-1)?.seq ?? 0) !== action.after) return c;
    return settle({ ...c, window: withNewer(c.window, action.page, topNo) });
  });
}

/** Drops pending messages that have turned up in the history. */
function settle(channel: ChannelState): ChannelState {
  if (channel.pending.length === 0 || channel.window === null) return channel;
  const arrived = new Set(channel.window.messages.map((m) => m.client_msg_id));
  const pending = channel.pending.filter((p) => !arrived.has(p.client_msg_id));
  return pending.length === channel.pending.length ? channel : { ...channel, pending };
}

function opened(state: State, id: Id | null): State {
  if (id === state.current) return state;
  let next = state;
  if (state.current !== null) next = inChannel(next, state.current, (c) => ({ ...c, divider: null }));
  if (id === null || next.channels[id] === undefined) return { ...next, current: null };
  next = inChannel(next, id, (c) => ({ ...c, divider: c.view.unread > 0 ? c.view.last_read_seq : null }));
  return { ...next, current: id };
}

function acked(state: State, clientMsgId: string, message: Message): State {
  return inChannel(state, message.channel, (c) => {
    const next = dropPending(c, clientMsgId);
    if (next.window === null || next.window.moreAfter) return next;
    const last = lastNo(next.window);
    if (message.msg_no <= last) return next;
    // Others' messages before it are still on their way: it stays pending until its own event closes the row.
    if (message.msg_no !== last + 1) return c;
    return { ...next, window: append(next.window, message, next.following) };
  });
}

function putPending(channel: ChannelState, pending: Pending): ChannelState {
  const at = channel.pending.findIndex((p) => p.client_msg_id === pending.client_msg_id);
  if (at < 0) return { ...channel, pending: [...channel.pending, pending] };
  return { ...channel, pending: channel.pending.map((p, i) => (i === at ? pending : p)) };
}

function dropPending(channel: ChannelState, clientMsgId: string): ChannelState {
  const pending = channel.pending.filter((p) => p.client_msg_id !== clientMsgId);
  return pending.length === channel.pending.length ? channel : { ...channel, pending };
}

function upsert(state: State, view: ChannelView): State {
  const users = learn(state.users, view.users ?? []);
  const before = state.channels[view.id];
  const channel = before === undefined ? fresh(view) : { ...before, view: { ...before.view, ...view } };
  return { ...state, users, channels: { ...state.channels, [view.id]: channel } };
}

function removeChannel(state: State, id: Id): State {
  if (state.channels[id] === undefined) return state;
  const channels = without(state.channels, id);
  return { ...state, channels, current: state.current === id ? null : state.current };
}

function forget(state: State, stream: Stream): State {
  if (!stream.startsWith("c:")) return state;
  return inChannel(state, stream.slice(2), (c) => ({ ...c, window: null }));
}

function fresh(view: ChannelView): ChannelState {
  return { view, window: null, pending: [], divider: null, following: true, typing: {} };
}

function inChannel(state: State, id: Id, change: (c: ChannelState) => ChannelState): State {
  const before = state.channels[id];
  if (before === undefined) return state;
  const after = change(before);
  return after === before ? state : { ...state, channels: { ...state.channels, [id]: after } };
}

function learn(users: State["users"], fresh: readonly User[]): State["users"] {
  const news = fresh.filter((u) => !sameUser(users[u.id], u));
  if (news.length === 0) return users;
  return { ...users, ...Object.fromEntries(news.map((u) => [u.id, { ...users[u.id], ...u }])) };
}

function sameUser(a: User | undefined, b: User): boolean {
  return (
    a !== undefined &&
    a.name === b.name &&
    a.display_name === b.display_name &&
    a.role === b.role &&
    a.disabled_at === b.disabled_at
  );
}

function without<V>(map: Readonly<Record<string, V>>, key: string): Readonly<Record<string, V>> {
  if (!(key in map)) return map;
  return Object.fromEntries(Object.entries(map).filter(([k]) => k !== key));
}
