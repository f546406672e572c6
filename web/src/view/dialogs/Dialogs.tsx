import { dialog } from "../../ui";
import { AddPeople } from "./AddPeople";
import { BrowseChannels } from "./BrowseChannels";
import { ChannelHooks } from "./ChannelHooks";
import { Confirm } from "./Confirm";
import { CreateChannel } from "./CreateChannel";
import { EditChannel } from "./EditChannel";
import { Invites } from "./Invites";
import { NewMessage } from "./NewMessage";
import { QuickSwitcher } from "./QuickSwitcher";
import { Settings } from "./Settings";
import { Shortcuts } from "./Shortcuts";

export function Dialogs() {
  const open = dialog.value;
  if (open === null) return null;
  switch (open.kind) {
    case "switcher":
      return <QuickSwitcher />;
    case "browse":
      return <BrowseChannels />;
    case "create-channel":
      return <CreateChannel name={open.name ?? ""} />;
    case "new-message":
      return <NewMessage />;
    case "add-people":
      return <AddPeople channel={open.channel} />;
    case "edit-channel":
      return <EditChannel channel={open.channel} />;
    case "hooks":
      return <ChannelHooks channel={open.channel} />;
    case "settings":
      return <Settings tab={open.tab} />;
    case "invites":
      return <Invites />;
    case "shortcuts":
      return <Shortcuts />;
    case "confirm":
      return <Confirm key={open.title} {...open} />;
  }
}
