import { state } from "../../app";
import { channelTitle, mayModerate, others } from "@parley/client/state";
import type { ChannelState } from "@parley/client/state";
import { dialog, drawerOpen, panelOpen } from "../../ui";
import { Avatar } from "../base/Avatar";
import { Icon } from "../base/Icon";
import { IconButton } from "../base/IconButton";

const PRESENCE_WORDS = { online: "Online", away: "Away", dnd: "Do not disturb", offline: "Offline" } as const;

export function ConversationHead({ channel }: { channel: ChannelState }) {
  const { view } = channel;
  const direct = view.type === "dm";
  const people = direct ? others(channel, state.value.me?.id) : [];
  const first = people[0];
  return (
    <header class="head">
      <IconButton icon="menu" label="Channels" class="only-narrow" onClick={() => (drawerOpen.value = true)} />
      <span class="head-mark">
        {first !== undefined && people.length === 1 ? (
          <Avatar user={state.value.users[first.id] ?? first} id={first.id} size="small" />
        ) : (
          <Icon name={direct ? "users" : view.type === "private" ? "lock" : "hash"} />
        )}
      </span>
      <div class="head-text">
        <h1>{channelTitle(channel, state.value)}</h1>
        <Subtitle channel={channel} />
      </div>
      {!direct && view.archived_at !== undefined && <span class="tag">Archived</span>}
      <button
        type="button"
        class={`head-members${panelOpen.value ? " on" : ""}`}
        aria-label={`Details, ${view.members} ${view.members === 1 ? "member" : "members"}`}
        aria-expanded={panelOpen.value}
        title="Details and members"
        onClick={() => (panelOpen.value = !panelOpen.value)}
      >
        <Icon name="users" />
        <span>{view.members}</span>
      </button>
    </header>
  );
}

function Subtitle({ channel }: { channel: ChannelState }) {
  const { view } = channel;
  if (view.type === "dm") {
    const people = others(channel, state.value.me?.id);
    const only = people.length === 1 ? people[0] : undefined;
    if (only === undefined) return null;
    return <p class="head-topic">{PRESENCE_WORDS[state.value.presence[only.id] ?? "offline"]}</p>;
  }
  if (view.topic !== "") {
    return (
      <p class="head-topic" title={view.topic}>
        {view.topic}
      </p>
    );
  }
  if (!mayModerate(state.value, channel)) return null;
  return (
    <button type="button" class="head-topic link-quiet" onClick={() => (dialog.value = { kind: "edit-channel", channel: view.id })}>
      Add a topic
    </button>
  );
}
