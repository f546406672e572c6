// Hooks for React 18 and later: the entry "@parley/client/react".

import { createContext, createElement, useCallback, useContext, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import type { FunctionComponent, ReactNode } from "react";
import type { Parley, Sending } from "./client.js";
import type { Status } from "./connection.js";
import { CallError } from "./errors.js";
import type { AnyEvent, EventName, Events, Id, Message, SessionStarted, User } from "./generated/protocol.js";
import { Chat } from "./state/chat.js";
import { sorted } from "./state/selectors.js";
import type { ChannelState, Pending, State } from "./state/types.js";

const Context = createContext<Chat | null>(null);
/** One state a client, whatever is mounted and unmounted. */
const chats = new WeakMap<Parley, Chat>();

/** Gives the client to the hooks below it. To be rendered before `parley.start()` is called, so that it knows what happens. */
export const ParleyProvider: FunctionComponent<{ parley: Parley; children?: ReactNode }> = ({ parley, children }) => {
  let chat = chats.get(parley);
  if (chat === undefined) {
    chat = new Chat(parley);
    chats.set(parley, chat);
  }
  return createElement(Context.Provider, { value: chat }, children);
};

function useChat(): Chat {
  const chat = useContext(Context);
  if (chat === null) throw new Error("there is no ParleyProvider above");
  return chat;
}

/** The client: to call commands, to sign in and out. */
export function useParley(): Parley {
  return useChat().parley;
}

/** All that is known: users, channels, presence. Renders after every change. */
export function useChatState(): State {
  const chat = useChat();
  const read = () => chat.state;
  return useSyncExternalStore(chat.subscribe, read, read);
}

export function useStatus(): Status {
  const parley = useParley();
  const subscribe = useCallback((changed: () => void) => parley.listen({ status: changed }), [parley]);
  const read = () => parley.status;
  return useSyncExternalStore(subscribe, read, read);
}

/** Who is signed in; null: nobody. */
export function useSession(): SessionStarted | null {
  const parley = useParley();
  const subscribe = useCallback(
    (changed: () => void) => parley.listen({ started: changed, status: changed, signedOut: changed }),
    [parley],
  );
  const read = () => parley.session;
  return useSyncExternalStore(subscribe, read, read);
}

/** Calls the handler of the latest render with each such event. */
export function useEvent<E extends EventName>(name: E, handler: (params: Events[E], event: AnyEvent) => void): void {
  const parley = useParley();
  const latest = useRef(handler);
  useEffect(() => {
    latest.current = handler;
  });
  useEffect(() => parley.on(name, (params, event) => latest.current(params, event)), [parley, name]);
}

/** The channels one is in, by name, and direct messages. */
export function useChannels(): { channels: ChannelState[]; direct: ChannelState[] } {
  const state = useChatState();
  return useMemo(() => sorted(state), [state]);
}

export interface Messages {
  /** In their order, without holes; null until the first page is there. */
  messages: readonly Message[] | null;
  /** One's own that the server does not have yet, or has refused (`failed`). */
  pending: readonly Pending[];
  /** There are older ones: `loadOlder()`. */
  more: boolean;
  /** Why they could not be fetched; the next connection tries again. */
  error: CallError | null;
  loadOlder(): Promise<void>;
  send(text: string): Sending;
}

/** A channel's messages: the newest are fetched, later ones come by themselves. */
export function useMessages(channel: Id): Messages {
  const chat = useChat();
  const state = useChatState().channels[channel];
  const online = useStatus().kind === "online";
  const [failure, setFailure] = useState<{ channel: Id; error: CallError } | null>(null);
  const missing = state !== undefined && (state.window === null || (state.window.moreAfter && state.following));

  useEffect(() => {
    if (!online || !missing) return;
    chat.load(channel).then(
      () => setFailure(null),
      (error: unknown) => setFailure({ channel, error: error instanceof CallError ? error : CallError.unknown(error) }),
    );
  }, [chat, channel, online, missing]);

  const loadOlder = useCallback(() => chat.loadOlder(channel), [chat, channel]);
  const send = useCallback((text: string) => chat.parley.send(channel, text), [chat, channel]);
  return {
    messages: state?.window?.messages ?? null,
    pending: state?.pending ?? [],
    more: state?.window?.moreBefore ?? false,
    error: failure?.channel === channel ? failure.error : null,
    loadOlder,
    send,
  };
}

/** Who is typing in a channel. */
export function useTyping(channel: Id): User[] {
  const { channels, users } = useChatState();
  const typing = channels[channel]?.typing;
  return useMemo(() => Object.keys(typing ?? {}).flatMap((id) => users[id] ?? []), [typing, users]);
}
