import { call, leaveChannel, state } from "../../app";
import { explain } from "../../explain";
import { channelTitle, mayModerate } from "@parley/client/state";
import type { ChannelState } from "@parley/client/state";
import { dialog, panelOpen, toast } from "../../ui";
import { Icon } from "../base/Icon";
import { IconButton } from "../base/IconButton";
import { longDate } from "../base/time";
import { MemberList } from "./MemberList";

export function DetailsPanel({ channel }: { channel: ChannelState }) {
  const { view } = channel;
  const direct = view.type === "dm";
  const title = direct ? channelTitle(channel, state.value) : `#${view.name}`;
  const moderator = mayModerate(state.value, channel);
  const archived = view.archived_at !== undefined;
  return (
    <aside class="panel" aria-label={`Details of ${title}`}>
      <header class="head">
        <h2>Details</h2>
        <IconButton icon="x" label="Close details" onClick={() => (panelOpen.value = false)} />
      </header>
      <div class="panel-body">
        {!direct && (
          <section class="about">
            <h3>{title}</h3>
            <p class={view.topic === "" ? "muted" : ""}>{view.topic === "" ? "No topic yet." : view.topic}</p>
            <p class="muted">
              {view.type === "private" ? "Private" : "Public"} · since {longDate(view.created_at)}
            </p>
            <div class="row-actions">
              {!archived && (
                <button type="button" class="button small" onClick={() => (dialog.value = { kind: "add-people", channel: view.id })}>
                  <Icon name="user-plus" size={16} />
                  Add people
                </button>
              )}
              {moderator && !archived && (
                <button type="button" class="button small" onClick={() => (dialog.value = { kind: "edit-channel", channel: view.id })}>
                  <Icon name="pencil" size={16} />
                  Edit
                </button>
              )}
              {moderator && !archived && (
                <button type="button" class="button small" onClick={() => (dialog.value = { kind: "hooks", channel: view.id })}>
                  <Icon name="link" size={16} />
                  Integrations
                </button>
              )}
            </div>
          </section>
        )}
        <MemberList channel={channel} />
        {!direct && (
          <section class="panel-end">
            <button type="button" class="button small" onClick={() => askLeave(channel)}>
              <Icon name="log-out" size={16} />
              Leave channel
            </button>
            {moderator && !archived && (
              <button type="button" class="button small danger" onClick={() => askArchive(channel)}>
                <Icon name="archive" size={16} />
                Archive
              </button>
            )}
          </section>
        )}
      </div>
    </aside>
  );
}

function askLeave(channel: ChannelState): void {
  const { view } = channel;
  dialog.value = {
    kind: "confirm",
    title: `Leave #${view.name}?`,
    text:
      view.type === "private"
        ? "It is private: someone in it has to add you before you can come back."
        : "You can join again whenever you like.",
    action: "Leave",
    danger: view.type === "private",
    run: () => leaveChannel(view.id).catch((error: unknown) => toast(explain(error), "error")),
  };
}

function askArchive(channel: ChannelState): void {
  const { view } = channel;
  dialog.value = {
    kind: "confirm",
    title: `Archive #${view.name}?`,
    text: "Its messages stay readable. Nobody can write to it any more.",
    action: "Archive",
    danger: true,
    run: async () => {
      try {
        await call("channel.archive", { channel: view.id });
      } catch (error) {
        toast(explain(error), "error");
      }
    },
  };
}
