// The controller: wires the connection, the outbox and the reducer together, and is what the views call.

import { batch, computed, signal } from "@preact/signals";
import { CallError, indexedDbStore, Parley } from "@parley/client";
import type {
  AnyEvent,
  Args,
  ChannelView,
  CommandName,
  Id,
  Message,
  OutboxItem,
  Params,
  PresenceState,
  Result,
  ServerInfo,
  SessionStarted,
  SignOutReason,
  Status,
  Stream,
} from "@parley/client";
import { explain } from "./explain";
import { EMPTY, channelTitle, displayName, reduce } from "@parley/client/state";
import type { Action, ChannelState, Pending, State } from "@parley/client/state";
import { addNote, notes } from "./slash";
import type { SlashCalls } from "./slash";
import { plain } from "./text/markup";
import { announce, dialog, draftOf, drawerOpen, dropDrafts, editing, panelOpen, read, remove, toast, write } from "./ui";

export type Phase = "booting" | "signed-out" | "ready";

export const state = signal<State>(EMPTY);
export const phase = signal<Phase>("booting");
export const status = signal<Status>({ kind: "idle" });
export const serverInfo = signal<ServerInfo | null>(null);
export const signOutReason = signal<SignOutReason | null>(null);
/** Channels whose first messages are being fetched, or could not be. */
export const loads = signal<Readonly<Record<Id, "loading" | "failed">>>({});
/** Sending waits until then because the server asked for it. */
export const throttledUntil = signal(0);
export const presenceChoice = signal<"online" | "away" | "dnd">("online");
export const current = computed<ChannelState | null>(() => {
  const id = state.value.current;
  return id === null ? null : (state.value.channels[id] ?? null);
});

const HINT_KEY = "parley.signed-in";
const LAST_KEY = "parley.last-channel";
const PAGE = 60;
const TYPING_EVERY_MS = 3_000;
const READ_AFTER_MS = 300;

export function dispatch(action: Action): void {
  state.value = reduce(state.value, action);
}

// Connection

function later(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

/** The session cookie says who this is: neither script nor storage of the page ever holds a token. */
export const parley = new Parley({ store: indexedDbStore() });

parley.listen({
  status: onStatus,
  started: onStarted,
  event: onEvent,
  resync: onResync,
  signedOut: onSignedOut,
  restored: (items) => {
    for (const item of items) dispatch({ type: "pending/put", pending: toPending(item) });
  },
  changed: (item) => dispatch({ type: "pending/put", pending: toPending(item) }),
  acked: (item, message) => dispatch({ type: "message/acked", client_msg_id: item.client_msg_id, message }),
  removed: (item) => dispatch({ type: "pending/removed", channel: item.channel, client_msg_id: item.client_msg_id }),
  throttled: (until) => {
    throttledUntil.value = until;
    later(until - Date.now() + 50, () => {
      if (throttledUntil.value <= Date.now()) throttledUntil.value = 0;
    });
  },
});

function toPending(item: OutboxItem): Pending {
  const { client_msg_id, channel, text, created_at, failed } = item;
  const why = failed === undefined ? undefined : explain(new CallError(failed, failed.message));
  return { client_msg_id, channel, text, created_at, failed: why };
}

function onStatus(next: Status): void {
  status.value = next;
  if (next.kind !== "online") return;
  const channel = current.value;
  if (channel !== null && channel.window === null) void loadLatest(channel.view.id);
}

function onStarted(session: SessionStarted, dropped: Stream[]): void {
  const first = phase.value !== "ready";
  const before = state.value;
  batch(() => {
    if (before.me !== null && before.me.id !== session.user.id) dispatch({ type: "session/ended" });
    dispatch({ type: "session/started", session, dropped });
    phase.value = "ready";
    signOutReason.value = null;
  });
  write(HINT_KEY, "1");
  const lost = before.current !== null && state.value.current === null ? before.channels[before.current] : undefined;
  if (lost !== undefined) wasRemoved(lost, before);
  if (!first && dropped.some((s) => s.startsWith("c:") && state.value.channels[s.slice(2)] !== undefined)) {
    toast("You were away for long. The conversations were loaded anew.");
  }
  if (state.value.current === null) openChannel(firstChannel(), { replace: true });
  void learnPresence();
  if (presenceChoice.value !== "online") void parley.call("presence.set", { state: presenceChoice.value });
}

async function learnPresence(): Promise<void> {
  const me = state.value.me?.id;
  const users = Object.values(state.value.channels)
    .flatMap((c) => (c.view.type === "dm" ? (c.view.users ?? []) : []))
    .map((u) => u.id);
  const wanted = [...new Set([...users, ...(me === undefined ? [] : [me])])].slice(0, 200);
  if (wanted.length === 0) return;
  await askPresence(wanted);
  const own = me === undefined ? undefined : state.value.presence[me];
  if (own !== undefined && own !== "offline") presenceChoice.value = own;
}

export async function askPresence(users: Id[]): Promise<void> {
  try {
    const { presence } = await parley.call("presence.get", { users: users.slice(0, 200) });
    dispatch({ type: "presence/learned", presence });
  } catch {
    // Dots stay grey: nothing to tell anybody.
  }
}

function onResync(stream: Stream): void {
  dispatch({ type: "stream/resync", stream });
  const id = stream.slice(2);
  if (stream.startsWith("c:") && state.value.current === id) void loadLatest(id);
}

function onEvent(event: AnyEvent): void {
  const before = state.value;
  dispatch({ type: "event", event, now: Date.now() });
  if (event.method === "message.created") onMessage(event.params.message);
  else if (event.method === "typing") {
    void needUser(event.params.user);
    expireTypingLater();
  } else if (event.method === "slash.answered") {
    const { channel, user, text } = event.params;
    void needUser(user).then(() => addNote(channel, displayName(state.value.users[user]), text));
  } else if (event.method === "channel.left") {
    const channel = before.channels[event.params.channel.id];
    if (channel !== undefined && state.value.channels[channel.view.id] === undefined) {
      if (event.params.actor !== before.me?.id) wasRemoved(channel, before);
      if (before.current === channel.view.id) openChannel(firstChannel(), { replace: true });
    }
  } else if (event.method === "channel.joined") {
    if (event.params.channel.type === "dm") void learnPresence();
    if (event.params.actor === before.me?.id) return;
    const channel = state.value.channels[event.params.channel.id];
    if (channel !== undefined && channel.view.type !== "dm" && before.channels[channel.view.id] === undefined) {
      toast(`You were added to #${channel.view.name}.`);
    }
  }
}

function onMessage(message: Message): void {
  const me = state.value.me?.id;
  if (message.author === me) return;
  const author = needUser(message.author);
  if (state.value.current !== message.channel) return;
  const unread = state.value.channels[message.channel]?.view.unread;
  if (!document.hasFocus() && unread === 1) {
    dispatch({ type: "divider/set", channel: message.channel, seq: message.seq - 1 });
  }
  void author.then(() => {
    announce(`${message.as?.name ?? displayName(state.value.users[message.author])}: ${plain(message.text ?? "").slice(0, 300)}`);
  });
}

function wasRemoved(channel: ChannelState, before: State): void {
  const name = channel.view.type === "dm" ? channelTitle(channel, before) : `#${channel.view.name}`;
  toast(`You are no longer in ${name}.`, "error");
}

function onSignedOut(reason: SignOutReason): void {
  const wasReady = phase.value === "ready";
  remove(HINT_KEY);
  batch(() => {
    dispatch({ type: "session/ended" });
    loads.value = {};
    signOutReason.value = wasReady || reason === "revoked" ? reason : null;
    phase.value = "signed-out";
    dialog.value = null;
    panelOpen.value = false;
    drawerOpen.value = false;
    editing.value = null;
    notes.value = [];
  });
  void learnServer();
}

let typingTimer: (() => void) | null = null;
function expireTypingLater(): void {
  typingTimer ??= later(1_000, () => {
    typingTimer = null;
    dispatch({ type: "typing/expired", now: Date.now() });
    if (Object.values(state.value.channels).some((c) => Object.keys(c.typing).length > 0)) expireTypingLater();
  });
}

// Starting and ending

export async function boot(): Promise<void> {
  window.addEventListener("popstate", () => openChannel(channelInUrl(), { replace: true }));
  window.addEventListener("pagehide", flushRead);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") flushRead();
  });
  if (read(HINT_KEY) !== null || (await parley.stillSignedIn().catch(() => false))) {
    void parley.start().catch(() => undefined);
    return;
  }
  await learnServer();
  phase.value = "signed-out";
}

export async function learnServer(): Promise<void> {
  try {
    serverInfo.value = await parley.http("server.info", {});
  } catch {
    serverInfo.value = null;
  }
}

export async function signIn(name: string, password: string): Promise<void> {
  await parley.http("auth.login", { name, password });
  void parley.start().catch(() => undefined);
}

export async function register(params: Params<"auth.register">): Promise<void> {
  await parley.http("auth.register", params);
  void parley.start().catch(() => undefined);
}

export function unsentCount(): number {
  return parley.outbox.size;
}

export async function signOut(): Promise<void> {
  await parley.http("auth.logout", {}).catch(() => undefined);
  await parley.outbox.discardAll();
  dropDrafts();
  remove(LAST_KEY);
  parley.close();
  onSignedOut("unauthenticated");
  signOutReason.value = null;
}

/** A command from a view; its failure is the view's to show. */
export function call<C extends CommandName>(command: C, ...args: Args<C>): Promise<Result<C>> {
  return parley.call(command, ...args);
}

// Channels

export function channelInUrl(): Id | null {
  const match = /^#\/c\/([\w-]{1,36})$/.exec(location.hash);
  return match?.[1] ?? null;
}

function firstChannel(): Id | null {
  const { channels } = state.value;
  for (const wanted of [channelInUrl(), read(LAST_KEY)]) {
    if (wanted !== null && channels[wanted] !== undefined) return wanted;
  }
  const all = Object.values(channels).map((c) => c.view);
  const general = all.find((v) => v.name === "general" && v.type === "public");
  return (general ?? all.find((v) => v.type !== "dm") ?? all[0])?.id ?? null;
}

export function openChannel(id: Id | null, options: { replace?: boolean } = {}): void {
  if (id === null || state.value.channels[id] === undefined) {
    dispatch({ type: "channel/opened", channel: null });
    return;
  }
  const changed = state.value.current !== id;
  batch(() => {
    dispatch({ type: "channel/opened", channel: id });
    drawerOpen.value = false;
    editing.value = null;
  });
  const hash = `#/c/${id}`;
  if (location.hash !== hash) {
    if (options.replace === true) history.replaceState(null, "", hash);
    else history.pushState(null, "", hash);
  }
  write(LAST_KEY, id);
  if (changed) flushRead();
  const channel = state.value.channels[id];
  if (channel.window === null) void loadFirst(id);
}

/** Fetches a channel's messages before it is opened: a pointer rests on its name. */
export function prefetch(id: Id): void {
  const channel = state.value.channels[id];
  if (channel?.window === null && parley.online) void loadFirst(id);
}

async function loadFirst(id: Id): Promise<void> {
  const view = state.value.channels[id]?.view;
  if (view === undefined) return;
  if (view.unread > PAGE - 10 && view.last_read_seq > 0) await load(id, { around: view.last_read_seq });
  else await load(id, {});
}

export async function loadLatest(id: Id): Promise<void> {
  await load(id, {});
}

async function load(id: Id, where: { around?: number }): Promise<void> {
  if (loads.value[id] === "loading") return;
  if (!parley.online) return;
  loads.value = { ...loads.value, [id]: "loading" };
  try {
    const page = await call("message.history", { channel: id, limit: PAGE, ...where });
    batch(() => {
      dispatch({ type: "history/loaded", channel: id, page, users: page.users });
      loads.value = dropKey(loads.value, id);
    });
  } catch (error) {
    const gone = error instanceof CallError && error.disconnected;
    loads.value = gone ? dropKey(loads.value, id) : { ...loads.value, [id]: "failed" };
  }
}

function dropKey<V>(map: Readonly<Record<string, V>>, key: string): Readonly<Record<string, V>> {
  return Object.fromEntries(Object.entries(map).filter(([k]) => k !== key));
}

const paging = new Set<string>();

export async function loadOlder(id: Id): Promise<void> {
  const window = state.value.channels[id]?.window;
  const before = window?.messages[0]?.seq;
  if (window?.moreBefore !== true || before === undefined) return;
  await onePage(`${id}:older`, async () => {
    const page = await call("message.history", { channel: id, before, limit: PAGE });
    dispatch({ type: "history/older", channel: id, before, page, users: page.users });
  });
}

export async function loadNewer(id: Id): Promise<void> {
  const window = state.value.channels[id]?.window;
  if (window?.moreAfter !== true) return;
  const after = window.messages.at(-1)?.seq ?? 0;
  await onePage(`${id}:newer`, async () => {
    const page = await call("message.history", { channel: id, after, limit: PAGE });
    dispatch({ type: "history/newer", channel: id, after, page, users: page.users });
  });
}

async function onePage(key: string, fetchPage: () => Promise<void>): Promise<void> {
  if (paging.has(key) || !parley.online) return;
  paging.add(key);
  try {
    await fetchPage();
  } catch {
    // Scrolling asks again; a lost connection shows in its own bar. A pause keeps a failing server from being hammered.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  } finally {
    paging.delete(key);
  }
}

export async function joinChannel(id: Id): Promise<void> {
  const { channel } = await call("channel.join", { channel: id });
  enter(channel);
}

export async function createChannel(params: Params<"channel.create">): Promise<void> {
  const { channel } = await call("channel.create", params);
  enter(channel);
}

export async function openDirect(users: Id[]): Promise<void> {
  const { channel } = await call("dm.open", { users });
  enter(channel);
  void learnPresence();
}

function enter(view: ChannelView): void {
  parley.adopt(`c:${view.id}`, { epoch: view.epoch, seq: view.seq });
  dispatch({ type: "channel/upsert", view });
  openChannel(view.id);
}

export async function leaveChannel(id: Id): Promise<void> {
  await call("channel.leave", { channel: id });
}

// Users

const asked = new Map<Id, Promise<void>>();

/** Sees to it that a user's name is known; done when it is, or cannot be. */
export function needUser(id: Id): Promise<void> {
  if (state.value.users[id] !== undefined || !parley.online) return Promise.resolve();
  const asking =
    asked.get(id) ??
    call("user.get", { user: id })
      .then(({ user }) => dispatch({ type: "users/learned", users: [user] }))
      .catch(() => undefined)
      .finally(() => asked.delete(id));
  asked.set(id, asking);
  return asking;
}

export async function setPresence(next: "online" | "away" | "dnd"): Promise<void> {
  await call("presence.set", { state: next });
  presenceChoice.value = next;
  const me = state.value.me?.id;
  const presence: Record<Id, PresenceState> = {};
  if (me !== undefined) presence[me] = next;
  dispatch({ type: "presence/learned", presence });
}

// Messages

export function send(channel: Id, text: string): void {
  if (parley.session === null) return;
  parley.send(channel, text);
  dispatch({ type: "divider/set", channel, seq: null });
  if (state.value.channels[channel]?.window?.moreAfter === true) void loadLatest(channel);
}

export function retrySend(clientMsgId: string): void {
  parley.outbox.retry(clientMsgId);
}

export function discardSend(clientMsgId: string): void {
  parley.outbox.discard(clientMsgId);
}

export async function editMessage(message: Message, text: string): Promise<void> {
  const result = await call("message.edit", { message: message.id, text });
  dispatch({ type: "message/changed", message: result.message });
}

export async function deleteMessage(message: Message): Promise<void> {
  try {
    const result = await call("message.delete", { message: message.id });
    dispatch({ type: "message/changed", message: result.message });
  } catch (error) {
    toast(explain(error), "error");
  }
}

export const slashCalls: SlashCalls = {
  list: async (channel) => (await call("slash.list", { channel })).commands,
  run: (channel, command, text) => call("slash.run", { channel, command, ...(text === "" ? {} : { text }) }),
};

let typedAt = 0;
export function typed(channel: Id): void {
  const now = Date.now();
  if (now - typedAt < TYPING_EVERY_MS || !parley.online) return;
  typedAt = now;
  call("typing.start", { channel }).catch(() => undefined);
}

export function stoppedTyping(): void {
  typedAt = 0;
}

// Reading

let readTimer: (() => void) | null = null;
let readNext: { channel: Id; seq: number } | null = null;

/** The person has seen the channel up to `seq`. Told to the server once the eye rests. */
export function seen(channel: Id, seq: number): void {
  const view = state.value.channels[channel]?.view;
  if (view === undefined || seq <= view.last_read_seq || !document.hasFocus()) return;
  if (readNext?.channel === channel && readNext.seq >= seq) return;
  readNext = { channel, seq };
  readTimer ??= later(READ_AFTER_MS, flushRead);
}

function flushRead(): void {
  readTimer?.();
  readTimer = null;
  const next = readNext;
  readNext = null;
  if (next === null || !parley.online) return;
  const view = state.value.channels[next.channel]?.view;
  if (view === undefined || next.seq <= view.last_read_seq) return;
  call("read.mark", { channel: next.channel, seq: next.seq })
    .then((read) => dispatch({ type: "read/marked", channel: next.channel, ...read }))
    .catch(() => undefined);
}

/** Marks everything in the channel as read and takes the divider away. */
export function markRead(id: Id): void {
  const channel = state.value.channels[id];
  if (channel === undefined) return;
  dispatch({ type: "divider/set", channel: id, seq: null });
  if (channel.view.unread === 0) return;
  readNext = { channel: id, seq: channel.view.seq };
  flushRead();
}

export function hasDraft(channel: Id): boolean {
  return draftOf(channel) !== "";
}
