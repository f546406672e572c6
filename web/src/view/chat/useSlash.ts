import { useRef, useState } from "preact/hooks";
import { slashCalls } from "../../app";
import type { Id, SlashCommand } from "@parley/client";
import { commandsOf } from "../../slash";

const SHOWN = 7;
const TOKEN = /^\/([a-z0-9._-]{0,32})$/i;

export interface Slash {
  open: boolean;
  commands: readonly SlashCommand[];
  index: number;
  look(text: string, caret: number): void;
  close(): void;
  /** Returns whether the key was for the menu. */
  onKey(key: string, choose: (command: SlashCommand) => void): boolean;
}

/** Which commands can follow a / at the beginning. */
export function useSlash(channel: Id): Slash {
  const [commands, setCommands] = useState<readonly SlashCommand[]>([]);
  const [index, setIndex] = useState(0);
  const asking = useRef(0);

  function close(): void {
    asking.current += 1;
    if (commands.length > 0) setCommands([]);
  }

  function look(text: string, caret: number): void {
    const prefix = caret === text.length ? TOKEN.exec(text)?.[1]?.toLowerCase() : undefined;
    if (prefix === undefined) {
      close();
      return;
    }
    const ticket = ++asking.current;
    commandsOf(slashCalls, channel)
      .then((all) => {
        if (ticket !== asking.current) return;
        setCommands(all.filter((c) => c.command.startsWith(prefix)).slice(0, SHOWN));
        setIndex(0);
      })
      .catch(() => undefined);
  }

  function onKey(key: string, choose: (command: SlashCommand) => void): boolean {
    const command = commands[index];
    if (key === "ArrowDown") setIndex((index + 1) % commands.length);
    else if (key === "ArrowUp") setIndex((index - 1 + commands.length) % commands.length);
    else if ((key === "Enter" || key === "Tab") && command !== undefined) choose(command);
    else if (key === "Escape") close();
    else return false;
    return true;
  }

  return { open: commands.length > 0, commands, index, look, close, onKey };
}
