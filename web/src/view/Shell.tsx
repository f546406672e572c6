import { useEffect } from "preact/hooks";
import { current, state } from "../app";
import { channelTitle, serverName, totalBadge } from "@parley/client/state";
import { drawerOpen, panelOpen } from "../ui";
import { Conversation } from "./chat/Conversation";
import { NoChannel } from "./chat/NoChannel";
import { ConnectionBar } from "./ConnectionBar";
import { Dialogs } from "./dialogs/Dialogs";
import { useShortcuts } from "./keyboard";
import { DetailsPanel } from "./panel/DetailsPanel";
import { Drawer } from "./side/Drawer";
import { Sidebar } from "./side/Sidebar";

export function Shell() {
  useShortcuts();
  const channel = current.value;
  const badge = totalBadge(state.value);
  const title = channel === null ? null : channelTitle(channel, state.value);
  const server = serverName(state.value.server);

  useEffect(() => {
    const where = title === null ? server : `${channel?.view.type === "dm" ? "" : "#"}${title} · ${server}`;
    document.title = badge > 0 ? `(${badge}) ${where}` : where;
  }, [badge, title, server, channel?.view.type]);

  const panel = panelOpen.value && channel !== null;
  return (
    <div class={`shell${panel ? " with-panel" : ""}${drawerOpen.value ? " with-drawer" : ""}`}>
      <ConnectionBar />
      <Drawer>
        <Sidebar />
      </Drawer>
      {channel === null ? <NoChannel /> : <Conversation key={channel.view.id} channel={channel} />}
      {panel && <DetailsPanel key={channel.view.id} channel={channel} />}
      <Dialogs />
    </div>
  );
}
