import { useRef } from "preact/hooks";
import type { ChannelState } from "@parley/client/state";
import { Composer } from "./Composer";
import type { ComposerHandle } from "./Composer";
import { ConversationHead } from "./ConversationHead";
import { MessageLog } from "./MessageLog";
import { SlashNotes } from "./SlashNotes";
import { TypingLine } from "./TypingLine";

export function Conversation({ channel }: { channel: ChannelState }) {
  const composer = useRef<ComposerHandle>(null);
  return (
    <main class="conversation">
      <ConversationHead channel={channel} />
      <MessageLog channel={channel} composer={composer} />
      <div class="foot">
        <SlashNotes channel={channel.view.id} />
        <Composer channel={channel} handle={composer} />
        <TypingLine channel={channel} />
      </div>
    </main>
  );
}
