import { state, throttledUntil } from "../../app";
import { typingNames } from "@parley/client/state";
import type { ChannelState } from "@parley/client/state";

/** Always takes its line, so that nothing moves when someone starts to type. */
export function TypingLine({ channel }: { channel: ChannelState }) {
  const names = typingNames(channel, state.value.users);
  if (throttledUntil.value > 0) {
    return (
      <p class="typing-line" role="status">
        You are sending faster than the server takes. Your messages follow in a moment.
      </p>
    );
  }
  return <p class="typing-line">{names.length > 0 && <TypingText names={names} />}</p>;
}

function TypingText({ names }: { names: string[] }) {
  return (
    <>
      <span class="dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      {sentence(names)}
    </>
  );
}

function sentence(names: string[]): string {
  if (names.length === 1) return `${names[0] ?? ""} is typing…`;
  if (names.length === 2) return `${names[0] ?? ""} and ${names[1] ?? ""} are typing…`;
  return "Several people are typing…";
}
