// The chat as state: what the server's events make of it, and a hook that keeps a connection.

import { useEffect, useReducer, useRef } from "react";
import { io } from "socket.io-client";

const TYPING_MS = 5_000;

export const initial = { phase: "connecting", user: null, channels: [], names: {}, messages: {}, read: {}, typing: {} };

/** What one thing that happened makes of the state. `messages` has what came for each channel, and
 *  its latest ones from before once it has been `read`. */
export function reduce(state, { type, ...it }) {
  const list = (channel, change) => ({ ...state, messages: { ...state.messages, [channel]: change(state.messages[channel] ?? []) } });
  switch (type) {
    case "session.started": {
      // What could not be resumed is read anew.
      const messages = { ...state.messages };
      const read = { ...state.read };
      for (const { id, resumed } of it.channels) {
        if (resumed) continue;
        delete messages[id];
        delete read[id];
      }
      const names = { ...state.names, [it.user.id]: it.user.display_name };
      return { ...state, phase: "online", user: it.user, channels: it.channels.map(({ id, name }) => ({ id, name })), names, messages, read };
    }
    case "signed-out":
      return { ...initial, phase: "signed-out" };
    case "offline":
      return { ...state, phase: "offline" };
    case "history": {
      const next = list(it.channel, (live) => {
        const old = it.messages.filter((m) => !live.some((l) => l.id === m.id));
        return [...old, ...live].sort((a, b) => a.seq - b.seq);
      });
      return { ...next, read: { ...state.read, [it.channel]: true } };
    }
    case "members":
      return { ...state, names: { ...state.names, ...Object.fromEntries(it.members.map(({ user }) => [user.id, user.display_name])) } };
    case "message.created": {
      const { [it.message.author]: _, ...typing } = state.typing[it.message.channel] ?? {};
      const next = list(it.message.channel, (all) => (all.some((m) => m.id === it.message.id) ? all : [...all, it.message]));
      return { ...next, typing: { ...state.typing, [it.message.channel]: typing } };
    }
    case "message.updated":
    case "message.deleted":
      return it.message ? list(it.message.channel, (all) => all.map((m) => (m.id === it.message.id ? it.message : m))) : state;
    case "channel.joined":
      return { ...state, channels: [...state.channels.filter((c) => c.id !== it.channel.id), { id: it.channel.id, name: it.channel.name }] };
    case "channel.left":
      return { ...state, channels: state.channels.filter((c) => c.id !== it.channel.id) };
    case "typing":
      return { ...state, typing: { ...state.typing, [it.channel]: { ...state.typing[it.channel], [it.user]: Date.now() + TYPING_MS } } };
    case "time": // those who have stopped typing
      return {
        ...state,
        typing: Object.fromEntries(Object.entries(state.typing).map(([channel, users]) => [
          channel,
          Object.fromEntries(Object.entries(users).filter(([, until]) => until > Date.now())),
        ])),
      };
    default:
      return state;
  }
}

/** A connection for as long as the component is there: [state, { signIn, open, send, typing }]. */
export function useChat() {
  const [state, dispatch] = useReducer(reduce, initial);
  const socket = useRef(null);

  useEffect(() => {
    const streams = {}; // the position in each, for after a lost connection
    // The page is served by Parley itself, so the session's cookie signs in. From elsewhere, `auth` has a token too.
    const it = io({ auth: (give) => give({ streams }) });
    socket.current = it;
    it.on("session.started", (session) => {
      for (const { id, epoch, seq, resumed } of session.channels) if (!resumed) streams[`c:${id}`] = { epoch, seq };
      dispatch({ ...session, type: "session.started" });
    });
    it.onAny((name, params) => {
      if (name === "session.started") return;
      if (params.stream) streams[params.stream] = { epoch: params.epoch, seq: params.seq };
      dispatch({ ...params, type: name });
    });
    // A lost connection comes back by itself; one that was refused, or whose session has ended, does not.
    it.on("disconnect", () => dispatch({ type: it.active ? "offline" : "signed-out" }));
    it.on("connect_error", () => dispatch({ type: it.active ? "offline" : "signed-out" }));
    const clock = setInterval(() => dispatch({ type: "time" }), 1_000);
    return () => {
      clearInterval(clock);
      it.disconnect();
    };
  }, []);

  const ask = (command, params) => socket.current.emitWithAck(command, params);
  return [
    state,
    {
      /** Gives nothing, or why it cannot be. */
      async signIn(name, password) {
        const response = await fetch("/api/v1/auth.login", {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ name, password }),
        });
        if (!response.ok) {
          const problem = await response.json();
          return problem.detail ?? problem.title;
        }
        socket.current.disconnect().connect();
      },
      /** Reads a channel: its members and latest messages. */
      async open(channel) {
        const [members, history] = await Promise.all([ask("channel.members", { channel, limit: 200 }), ask("message.history", { channel })]);
        if (members.result) dispatch({ type: "members", ...members.result });
        if (history.result) dispatch({ type: "history", channel, messages: history.result.messages });
      },
      /** Sends until there is an answer; its id makes it one message however often. */
      async send(channel, text) {
        const message = { channel, text, client_msg_id: crypto.getRandomValues(new Uint32Array(4)).join("-") };
        for (;;) {
          try {
            const { error } = await ask("message.send", message);
            return error?.message;
          } catch {
            // The connection broke before the answer: once more, when it is back.
          }
        }
      },
      typing: (channel) => socket.current.volatile.emit("typing.start", { channel }),
    },
  ];
}
