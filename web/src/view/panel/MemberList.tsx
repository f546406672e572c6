import { useEffect, useState } from "preact/hooks";
import { askPresence, call, dispatch, openDirect, state } from "../../app";
import type { Member } from "@parley/client";
import { explain } from "../../explain";
import { displayName, mayModerate } from "@parley/client/state";
import type { ChannelState } from "@parley/client/state";
import { dialog, toast } from "../../ui";
import { Avatar } from "../base/Avatar";
import { Icon } from "../base/Icon";
import { Menu } from "../base/Menu";
import type { MenuItem } from "../base/Menu";

const PAGE = 100;

export function MemberList({ channel }: { channel: ChannelState }) {
  const { view } = channel;
  const [members, setMembers] = useState<readonly Member[]>([]);
  const [next, setNext] = useState<string | undefined>(undefined);
  const [error, setError] = useState<string | null>(null);

  async function load(cursor: string | undefined): Promise<void> {
    try {
      const page = await call("channel.members", { channel: view.id, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
      const users = page.members.map((m) => m.user);
      dispatch({ type: "users/learned", users });
      setMembers((before) => (cursor === undefined ? page.members : [...before, ...page.members]));
      setNext(page.next_cursor);
      setError(null);
      void askPresence(users.map((u) => u.id));
    } catch (e) {
      setError(explain(e));
    }
  }

  useEffect(() => {
    void load(undefined);
    // Someone who joins or leaves changes the count: the list is then asked for again.
  }, [view.id, view.members]);

  return (
    <section class="members" aria-labelledby="members-title">
      <h3 id="members-title">
        Members <span class="muted">{view.members}</span>
      </h3>
      {error !== null && <p class="note error">{error}</p>}
      <ul>
        {members.map((member) => (
          <MemberRow key={member.user.id} member={member} channel={channel} />
        ))}
      </ul>
      {next !== undefined && (
        <button type="button" class="button small" onClick={() => void load(next)}>
          Show more
        </button>
      )}
    </section>
  );
}

function MemberRow({ member, channel }: { member: Member; channel: ChannelState }) {
  const user = state.value.users[member.user.id] ?? member.user;
  const me = state.value.me?.id === user.id;
  const items: MenuItem[] = [
    {
      label: me ? "Note to self" : "Send a message",
      icon: <Icon name="compose" size={16} />,
      run: () => {
        openDirect([user.id]).catch((e: unknown) => toast(explain(e), "error"));
      },
    },
  ];
  if (!me && mayModerate(state.value, channel)) {
    items.push({ label: "Remove from channel", icon: <Icon name="x" size={16} />, danger: true, run: () => askRemove(member, channel) });
  }
  return (
    <li class="member">
      <Avatar user={user} id={user.id} presence={state.value.presence[user.id] ?? "offline"} />
      <span class="member-names">
        <span class="option-name">{displayName(user)}</span>
        <span class="option-note">
          @{user.name}
          {me && " · you"}
        </span>
      </span>
      {user.bot === true && <span class="tag">App</span>}
      {member.role === "moderator" && <span class="tag">Moderator</span>}
      <Menu label={`Actions for ${displayName(user)}`} trigger={<Icon name="dots" />} items={items} />
    </li>
  );
}

function askRemove(member: Member, channel: ChannelState): void {
  const name = displayName(member.user);
  dialog.value = {
    kind: "confirm",
    title: `Remove ${name}?`,
    text: `${name} will no longer see #${channel.view.name}.`,
    action: "Remove",
    danger: true,
    run: async () => {
      try {
        await call("channel.remove", { channel: channel.view.id, user: member.user.id });
      } catch (e) {
        toast(explain(e), "error");
      }
    },
  };
}
