// A connection for as long as a component is there, and what one can do with it.

import { useEffect, useMemo, useReducer, useRef } from "react";
import { io } from "socket.io-client";
import { initial, reduce } from "./state.js";

const newId = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

/** Gives [state, { signIn, signOut, read, find, join, send, typing }]; the latter stays the same. */
export function useChat() {
  const [state, dispatch] = useReducer(reduce, initial);
  const socket = useRef(null);

  useEffect(() => {
    const streams = {}; // the position in each, from which a connection that was lost goes on
    // The page is served by Parley itself, so the session's cookie signs in. From elsewhere, `auth` has a token too.
    const it = io({ auth: (give) => give({ streams }) });
    socket.current = it;
    it.onAny((type, params) => {
      if (type === "session.started") {
        const now = { ...params.streams, ...Object.fromEntries(params.channels.map((c) => [`c:${c.id}`, c])) };
        for (const stream of Object.keys(streams)) if (!now[stream]) delete streams[stream];
        for (const [stream, { epoch, seq, resumed }] of Object.entries(now)) if (!resumed) streams[stream] = { epoch, seq };
      } else if (params.stream) {
        streams[params.stream] = { epoch: params.epoch, seq: params.seq };
      }
      dispatch({ type, params });
    });
    // A connection that was lost comes back by itself; one that was refused, or whose session has ended, does not.
    const lost = () => dispatch({ type: it.active ? "offline" : "signed-out" });
    it.on("disconnect", lost);
    it.on("connect_error", lost);
    const clock = setInterval(() => dispatch({ type: "time" }), 1_000);
    return () => {
      clearInterval(clock);
      it.disconnect();
    };
  }, []);

  const chat = useMemo(() => {
    /** The result of a command, or an error that says why there is none. */
    const ask = async (command, params) => {
      const { result, error } = await socket.current.emitWithAck(command, params);
      if (error) throw Object.assign(new Error(error.data.reason ?? error.message), { refused: true });
      return result;
    };
    const post = (command, params) =>
      fetch(`/api/v1/${command}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(params),
      });

    return {
      /** Gives nothing, or why it cannot be. */
      async signIn(name, password) {
        const response = await post("auth.login", { name, password });
        if (!response.ok) {
          const { title, detail } = await response.json();
          return detail ?? title;
        }
        socket.current.disconnect().connect();
      },
      signOut: () => post("auth.logout", {}), // ends this connection too

      /** A channel's latest messages and its members' names. */
      async read(channel) {
        const [history, members] = await Promise.all([
          ask("message.history", { channel }),
          ask("channel.members", { channel }),
        ]);
        dispatch({ type: "members", params: members });
        dispatch({ type: "history", params: { channel, ...history } });
      },
      find: async () => (await ask("channel.list", {})).channels.filter((c) => !c.joined),
      join: (channel) => ask("channel.join", { channel }), // the event channel.joined follows

      /** Sends until there is an answer; its own id makes it one message however often. Gives nothing, or why it was refused. */
      async send(channel, text) {
        const message = { channel, text, client_msg_id: newId() };
        dispatch({ type: "sending", params: { message } });
        for (;;) {
          try {
            dispatch({ type: "sent", params: await ask("message.send", message) });
            return;
          } catch (error) {
            if (!error.refused) continue; // the connection broke before the answer: once more, when it is back
            dispatch({ type: "refused", params: { message } });
            return error.message;
          }
        }
      },
      typing: (channel) => socket.current.volatile.emit("typing.start", { channel }),
    };
  }, []);

  return [state, chat];
}
