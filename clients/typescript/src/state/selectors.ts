import type { Id, Message, User } from "../generated/protocol.js";
import type { ChannelState, State } from "./types.js";

export function displayName(user: User | undefined): string {
  if (user === undefined) return "Someone";
  return user.display_name === "" ? user.name : user.display_name;
}

/** What the server is called: its own name, or the product's when nobody has named it. */
export function serverName(server: { name: string } | null): string {
  return server === null || server.name === "" || server.name === "parley" ? "Parley" : server.name;
}

/** The other participants of a direct message; the person alone when it is a note to self. */
export function others(channel: ChannelState, me: Id | undefined): User[] {
  const users = channel.view.users ?? [];
  const rest = users.filter((u) => u.id !== me);
  return rest.length > 0 ? rest : users;
}

export function channelTitle(channel: ChannelState, state: Pick<State, "me" | "users">): string {
  if (channel.view.type !== "dm") return channel.view.name;
  return others(channel, state.me?.id)
    .map((u) => displayName(state.users[u.id] ?? u))
    .join(", ");
}

export function sorted(state: State): { channels: ChannelState[]; direct: ChannelState[] } {
  const all = Object.values(state.channels).filter((c) => c.view.archived_at === undefined || c.view.id === state.current);
  const channels = all.filter((c) => c.view.type !== "dm").sort((a, b) => a.view.name.localeCompare(b.view.name));
  const direct = all
    .filter((c) => c.view.type === "dm")
    .sort((a, b) => channelTitle(a, state).localeCompare(channelTitle(b, state)));
  return { channels, direct };
}

/** What calls for attention in a channel: every message of a direct one, only mentions elsewhere. */
export function badge(channel: ChannelState): number {
  return channel.view.type === "dm" ? channel.view.unread : channel.view.mentions;
}

export function totalBadge(state: State): number {
  return Object.values(state.channels).reduce((sum, c) => sum + badge(c), 0);
}

export function mayModerate(state: State, channel: ChannelState): boolean {
  if (channel.view.type === "dm") return false;
  return channel.view.role === "moderator" || isAdmin(state);
}

export function isAdmin(state: State): boolean {
  return state.me?.role === "owner" || state.me?.role === "admin";
}

export function mayEdit(state: State, message: Message): boolean {
  return message.deleted_at === undefined && message.author === state.me?.id;
}

export function mayDelete(state: State, channel: ChannelState, message: Message): boolean {
  if (message.deleted_at !== undefined) return false;
  return message.author === state.me?.id || mayModerate(state, channel);
}

/** The person's newest message that can still be edited. */
export function lastOwn(state: State, channel: ChannelState): Message | undefined {
  const messages = channel.window?.messages ?? [];
  for (let i = messages.length - 1; i >= 0; i -= 1) {
    const message = messages[i];
    if (message !== undefined && mayEdit(state, message)) return message;
  }
  return undefined;
}

export function typingNames(channel: ChannelState, users: State["users"]): string[] {
  return Object.keys(channel.typing).flatMap((id) => {
    const user = users[id];
    return user === undefined ? [] : [displayName(user)];
  });
}
