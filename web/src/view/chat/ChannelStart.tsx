import { state } from "../../app";
import { channelTitle, mayModerate, others } from "@parley/client/state";
import type { ChannelState } from "@parley/client/state";
import { dialog } from "../../ui";
import { Avatar } from "../base/Avatar";
import { Icon } from "../base/Icon";
import { longDate } from "../base/time";

export function ChannelStart({ channel }: { channel: ChannelState }) {
  const { view } = channel;
  const title = channelTitle(channel, state.value);
  if (view.type === "dm") {
    const people = others(channel, state.value.me?.id);
    const self = people[0]?.id === state.value.me?.id;
    return (
      <div class="start">
        <span class="start-faces">
          {people.slice(0, 3).map((u) => (
            <Avatar key={u.id} user={state.value.users[u.id] ?? u} id={u.id} size="large" />
          ))}
        </span>
        <h2>{title}</h2>
        <p>
          {self
            ? "This is your own space. Nobody else sees what you write here."
            : `This is the start of your conversation with ${title}. Only the people in it can read it.`}
        </p>
      </div>
    );
  }
  return (
    <div class="start">
      <span class="start-mark">
        <Icon name={view.type === "private" ? "lock" : "hash"} size={28} />
      </span>
      <h2>This is the start of #{title}</h2>
      <p>
        {view.topic !== "" && <>{view.topic} · </>}
        {view.type === "private" ? "A private channel" : "A channel"} since {longDate(view.created_at)}.
      </p>
      <div class="row-actions">
        <button type="button" class="button" onClick={() => (dialog.value = { kind: "add-people", channel: view.id })}>
          <Icon name="user-plus" size={16} />
          Add people
        </button>
        {mayModerate(state.value, channel) && (
          <button type="button" class="button" onClick={() => (dialog.value = { kind: "edit-channel", channel: view.id })}>
            <Icon name="pencil" size={16} />
            {view.topic === "" ? "Add a topic" : "Edit the topic"}
          </button>
        )}
      </div>
    </div>
  );
}
