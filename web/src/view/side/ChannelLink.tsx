import { hasDraft, openChannel, prefetch, state } from "../../app";
import { badge, channelTitle, others } from "@parley/client/state";
import type { ChannelState } from "@parley/client/state";
import { drawerOpen } from "../../ui";
import { Avatar } from "../base/Avatar";
import { Icon } from "../base/Icon";

export function ChannelLink({ channel }: { channel: ChannelState }) {
  const { view } = channel;
  const active = state.value.current === view.id;
  const unread = view.unread > 0;
  const count = badge(channel);
  const failed = channel.pending.some((p) => p.failed !== undefined);
  return (
    <a
      href={`#/c/${view.id}`}
      class={`channel${active ? " active" : ""}${unread ? " unread" : ""}`}
      aria-current={active ? "page" : undefined}
      onPointerEnter={() => prefetch(view.id)}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        drawerOpen.value = false;
        openChannel(view.id);
      }}
    >
      <span class="channel-mark">
        <Mark channel={channel} />
      </span>
      <span class="channel-name">{channelTitle(channel, state.value)}</span>
      {failed && (
        <span class="channel-failed">
          <Icon name="alert" size={14} />
          <span class="visually-hidden">, a message was not sent</span>
        </span>
      )}
      {!active && !failed && hasDraft(view.id) && (
        <span class="channel-draft">
          <Icon name="pencil" size={13} />
          <span class="visually-hidden">, draft</span>
        </span>
      )}
      {count > 0 ? (
        <span class="badge">
          {count > 99 ? "99+" : count}
          <span class="visually-hidden">{view.type === "dm" ? " unread" : " mentions"}</span>
        </span>
      ) : (
        unread && <span class="visually-hidden">, unread</span>
      )}
    </a>
  );
}

function Mark({ channel }: { channel: ChannelState }) {
  const { view } = channel;
  if (view.type !== "dm") return <Icon name={view.type === "private" ? "lock" : "hash"} size={16} />;
  const people = others(channel, state.value.me?.id);
  const first = people[0];
  if (first === undefined || people.length > 1) return <span class="group-count">{people.length}</span>;
  return (
    <Avatar
      user={state.value.users[first.id] ?? first}
      id={first.id}
      size="small"
      presence={state.value.presence[first.id] ?? "offline"}
    />
  );
}
