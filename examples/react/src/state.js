// The chat as state, and what each thing that happens makes of it. Nothing here knows of React or of a connection.

const TYPING_MS = 6_000; // an event of typing says so for that long; who goes on repeats it every few seconds

export const initial = {
  phase: "connecting", // "online", "offline" (it comes back by itself), "signed-out"
  user: null,
  channels: [],
  names: {}, // of users, by id
  messages: {}, // by channel: what came, and once the channel is in `read` its latest ones from before
  read: {},
  pending: {}, // by channel: what is not known to have arrived
  typing: {}, // by channel: until when, by user
};

const without = (object, key) => Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
const byId = (list, id) => list.some((it) => it.id === id);

function merged(old = [], more) {
  const all = [...old.filter((m) => !byId(more, m.id)), ...more];
  return all.sort((a, b) => a.seq - b.seq);
}

function named(state, users) {
  return { ...state, names: { ...state.names, ...Object.fromEntries(users.map((user) => [user.id, user.display_name])) } };
}

function withMessages(state, channel, more) {
  return { ...state, messages: { ...state.messages, [channel]: merged(state.messages[channel], more) } };
}

function settled(state, channel, clientId) {
  return { ...state, pending: { ...state.pending, [channel]: (state.pending[channel] ?? []).filter((p) => p.client_msg_id !== clientId) } };
}

/** What happened: an event of the server under its name with its params, or something of this page (below). */
export const reducers = {
  "session.started"(state, { user, channels }) {
    const next = { ...named(state, [user]), phase: "online", user, channels, messages: {}, read: {} };
    for (const { id, resumed } of channels) {
      if (!resumed) continue; // it is read anew
      if (state.messages[id]) next.messages[id] = state.messages[id];
      if (state.read[id]) next.read[id] = true;
    }
    return next;
  },
  "message.created"(state, { message }) {
    const { channel, author, client_msg_id: clientId } = message;
    const next = withMessages(state, channel, [message]);
    next.typing = { ...state.typing, [channel]: without(state.typing[channel] ?? {}, author) };
    return author === state.user?.id && clientId ? settled(next, channel, clientId) : next;
  },
  "message.updated": (state, { message }) => changed(state, message),
  "message.deleted": (state, { message }) => changed(state, message),
  "member.joined": (state, { user }) => named(state, [user]),
  "user.updated": (state, { user }) => named(state, [user]),
  "channel.joined": (state, { channel }) => ({ ...state, channels: [...state.channels.filter((c) => c.id !== channel.id), channel] }),
  "channel.left": (state, { channel }) => ({ ...state, channels: state.channels.filter((c) => c.id !== channel.id) }),
  typing: (state, { channel, user }) => ({
    ...state,
    typing: { ...state.typing, [channel]: { ...state.typing[channel], [user]: Date.now() + TYPING_MS } },
  }),

  // Of this page.
  offline: (state) => ({ ...state, phase: "offline" }),
  "signed-out": () => ({ ...initial, phase: "signed-out" }),
  history(state, { channel, messages, users }) {
    const next = withMessages(named(state, users), channel, messages);
    return { ...next, read: { ...state.read, [channel]: true } };
  },
  members: (state, { members }) => named(state, members.map((m) => m.user)),
  sending: (state, { message }) => ({
    ...state,
    pending: { ...state.pending, [message.channel]: [...(state.pending[message.channel] ?? []), message] },
  }),
  sent: (state, { message }) => settled(withMessages(state, message.channel, [message]), message.channel, message.client_msg_id),
  refused: (state, { message }) => settled(state, message.channel, message.client_msg_id),
  time(state) {
    const now = Date.now();
    if (!Object.values(state.typing).some((users) => Object.values(users).some((until) => until <= now))) return state;
    const still = (users) => Object.fromEntries(Object.entries(users).filter(([, until]) => until > now));
    return { ...state, typing: Object.fromEntries(Object.entries(state.typing).map(([channel, users]) => [channel, still(users)])) };
  },
};

/** An edit or deletion of a message that is not here is nothing to show. */
function changed(state, message) {
  return byId(state.messages[message.channel] ?? [], message.id) ? withMessages(state, message.channel, [message]) : state;
}

export function reduce(state, { type, params = {} }) {
  return Object.hasOwn(reducers, type) ? reducers[type](state, params) : state;
}
