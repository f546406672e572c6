import { useRef, useState } from "preact/hooks";
import { call, dispatch } from "../../app";
import type { Id, User } from "@parley/client";
import { displayName } from "@parley/client/state";
import type { ChannelState } from "@parley/client/state";

const SHOWN = 7;
const FRESH_MS = 60_000;
const TOKEN = /(?:^|\s)@([a-z0-9._-]{0,32})$/i;

const known = new Map<Id, { at: number; users: User[] }>();

export interface Mentions {
  open: boolean;
  users: readonly User[];
  index: number;
  look(text: string, caret: number): void;
  close(): void;
  /** Returns whether the key was for the menu. */
  onKey(key: string, choose: (user: User) => void): boolean;
  complete(text: string, caret: number, user: User): { text: string; caret: number };
}

/** Who can be named after an @: the members of the channel. */
export function useMentions(channel: ChannelState): Mentions {
  const [users, setUsers] = useState<readonly User[]>([]);
  const [index, setIndex] = useState(0);
  const asking = useRef(0);

  function close(): void {
    asking.current += 1;
    if (users.length > 0) setUsers([]);
  }

  function look(text: string, caret: number): void {
    const prefix = TOKEN.exec(text.slice(0, caret))?.[1]?.toLowerCase();
    if (prefix === undefined) {
      close();
      return;
    }
    const ticket = ++asking.current;
    membersOf(channel)
      .then((all) => {
        if (ticket !== asking.current) return;
        setUsers(all.filter((u) => matches(u, prefix)).slice(0, SHOWN));
        setIndex(0);
      })
      .catch(() => undefined);
  }

  function onKey(key: string, choose: (user: User) => void): boolean {
    const user = users[index];
    if (key === "ArrowDown") setIndex((index + 1) % users.length);
    else if (key === "ArrowUp") setIndex((index - 1 + users.length) % users.length);
    else if ((key === "Enter" || key === "Tab") && user !== undefined) choose(user);
    else if (key === "Escape") close();
    else return false;
    return true;
  }

  function complete(text: string, caret: number, user: User): { text: string; caret: number } {
    const head = text.slice(0, caret).replace(/@[a-z0-9._-]*$/i, `@${user.name} `);
    close();
    return { text: head + text.slice(caret).replace(/^ /, ""), caret: head.length };
  }

  return { open: users.length > 0, users, index, look, close, onKey, complete };
}

function matches(user: User, prefix: string): boolean {
  return (
    user.name.startsWith(prefix) ||
    displayName(user)
      .toLowerCase()
      .split(/\s+/)
      .some((word) => word.startsWith(prefix))
  );
}

async function membersOf(channel: ChannelState): Promise<User[]> {
  const { view } = channel;
  if (view.type === "dm") return view.users ?? [];
  const cached = known.get(view.id);
  if (cached !== undefined && Date.now() - cached.at < FRESH_MS) return cached.users;
  const { members } = await call("channel.members", { channel: view.id, limit: 200 });
  const users = members.map((m) => m.user);
  dispatch({ type: "users/learned", users });
  known.set(view.id, { at: Date.now(), users });
  return users;
}
