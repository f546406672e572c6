import { state } from "../../app";
import { serverName, sorted } from "@parley/client/state";
import { dialog } from "../../ui";
import { IconButton } from "../base/IconButton";
import { ChannelLink } from "./ChannelLink";
import { Rail } from "./Rail";

export function Sidebar() {
  const { channels, direct } = sorted(state.value);
  return (
    <>
      <Rail />
      <nav class="channels" aria-label="Channels and direct messages">
        <p class="workspace">{serverName(state.value.server)}</p>
        <div class="channel-groups">
          <div class="group-head">
            <h2>Channels</h2>
            <IconButton icon="plus" label="Create a channel" onClick={() => (dialog.value = { kind: "create-channel" })} />
          </div>
          <ul>
            {channels.map((c) => (
              <li key={c.view.id}>
                <ChannelLink channel={c} />
              </li>
            ))}
            {channels.length === 0 && (
              <li>
                <button type="button" class="side-action" onClick={() => (dialog.value = { kind: "browse" })}>
                  Find a channel to join
                </button>
              </li>
            )}
          </ul>
          <div class="group-head">
            <h2>Direct messages</h2>
            <IconButton icon="plus" label="New direct message" onClick={() => (dialog.value = { kind: "new-message" })} />
          </div>
          <ul>
            {direct.map((c) => (
              <li key={c.view.id}>
                <ChannelLink channel={c} />
              </li>
            ))}
            {direct.length === 0 && (
              <li>
                <button type="button" class="side-action" onClick={() => (dialog.value = { kind: "new-message" })}>
                  Write to someone
                </button>
              </li>
            )}
          </ul>
        </div>
      </nav>
    </>
  );
}
