import { call, joinChannel, openChannel } from "../../app";
import type { ListedChannel } from "@parley/client";
import { dialog } from "../../ui";
import { closeDialog, Dialog } from "../base/Dialog";
import { Field } from "../base/Field";
import { Icon } from "../base/Icon";
import { Problem } from "../base/Problem";
import { useAction } from "../base/useAction";
import { useSearch } from "./useSearch";

async function ask(query: string): Promise<ListedChannel[]> {
  const { channels } = await call("channel.list", { limit: 100, ...(query === "" ? {} : { query }) });
  return channels.filter((c) => c.archived_at === undefined);
}

export function BrowseChannels() {
  const search = useSearch(ask);
  const action = useAction();
  return (
    <Dialog title="Channels" wide>
      <div class="browse-top">
        <Field label="Find" type="search" value={search.query} onInput={search.setQuery} placeholder="Name or topic" autofocus />
        <button
          type="button"
          class="button primary"
          onClick={() => (dialog.value = { kind: "create-channel", name: search.query.trim() })}
        >
          <Icon name="plus" size={16} />
          New channel
        </button>
      </div>
      <Problem text={action.error ?? search.error} />
      <ul class="pick-list">
        {search.found.map((c) => (
          <li key={c.id}>
            <Icon name={c.type === "private" ? "lock" : "hash"} size={16} />
            <span class="pick-text">
              <span class="option-name">{c.name}</span>
              <span class="option-note">
                {c.members} {c.members === 1 ? "member" : "members"}
                {c.topic !== "" && ` · ${c.topic}`}
              </span>
            </span>
            {c.joined ? (
              <button
                type="button"
                class="button small"
                aria-label={`Open #${c.name}`}
                onClick={() => {
                  closeDialog();
                  openChannel(c.id);
                }}
              >
                Open
              </button>
            ) : (
              <button
                type="button"
                class="button small primary"
                aria-label={`Join #${c.name}`}
                disabled={action.busy}
                onClick={() =>
                  action.run(async () => {
                    await joinChannel(c.id);
                    closeDialog();
                  })
                }
              >
                Join
              </button>
            )}
          </li>
        ))}
      </ul>
      {search.done && search.found.length === 0 && <p class="empty-note">No channel matches.</p>}
    </Dialog>
  );
}
