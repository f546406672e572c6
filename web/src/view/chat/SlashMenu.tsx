import type { SlashCommand } from "@parley/client";
import { emojiOf } from "../../text/emoji";
import type { Slash } from "./useSlash";

export function SlashMenu({ slash, onChoose }: { slash: Slash; onChoose: (command: SlashCommand) => void }) {
  return (
    <ul id="slash-menu" class="mention-menu" role="listbox" aria-label="Commands">
      {slash.commands.map((command, i) => (
        <li
          key={command.command}
          id={`slash-${i}`}
          role="option"
          aria-selected={i === slash.index}
          // The press must not take the focus away from the text.
          onPointerDown={(event) => {
            event.preventDefault();
            onChoose(command);
          }}
        >
          <span class="option-name strong">/{command.command}</span>
          <span class="option-note">
            {emojiOf(command.icon)} {command.name}
          </span>
        </li>
      ))}
    </ul>
  );
}
