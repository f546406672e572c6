// Slash commands: what a channel has, running one, and what programs say to this person alone. Such answers are kept by nobody: they
// are there until they are put away or the page is left.

import { signal } from "@preact/signals";
import type { Id, SlashCommand } from "@parley/client";
import { explain } from "./explain";
import { announce } from "./ui";
import { plain } from "./text/markup";

export interface Note {
  id: number;
  channel: Id;
  /** Who says it: the command's name. */
  name: string;
  text: string;
  failed: boolean;
}

export interface SlashCalls {
  list: (channel: Id) => Promise<readonly SlashCommand[]>;
  run: (channel: Id, command: string, text: string) => Promise<{ text?: string }>;
}

const KEPT = 3; // a channel
const FRESH_MS = 60_000;
const WORD = /^\/([a-z0-9][a-z0-9._-]{0,31})(?:\s+([\s\S]*))?$/i;

export const notes = signal<readonly Note[]>([]);
let nextNote = 1;

const known = new Map<Id, { at: number; commands: readonly SlashCommand[] }>();

export async function commandsOf(calls: SlashCalls, channel: Id): Promise<readonly SlashCommand[]> {
  const cached = known.get(channel);
  if (cached !== undefined && Date.now() - cached.at < FRESH_MS) return cached.commands;
  const commands = await calls.list(channel);
  known.set(channel, { at: Date.now(), commands });
  return commands;
}

/** The word behind the slash and what follows, if the text can be a command. */
export function parseSlash(text: string): { command: string; rest: string } | null {
  const match = WORD.exec(text);
  if (match?.[1] === undefined) return null;
  return { command: match[1].toLowerCase(), rest: (match[2] ?? "").trim() };
}

export function addNote(channel: Id, name: string, text: string, failed = false): void {
  const mine = notes.value.filter((n) => n.channel === channel);
  const others = notes.value.filter((n) => n.channel !== channel);
  notes.value = [...others, ...[...mine, { id: nextNote++, channel, name, text, failed }].slice(-KEPT)];
  announce(`${name}, only to you: ${plain(text).slice(0, 300)}`);
}

export function dismissNote(id: number): void {
  notes.value = notes.value.filter((n) => n.id !== id);
}

/**
 * Runs what was written if it is one of the channel's commands; false: it is an ordinary message. That a command failed is said in a note, and
 * `failed` is called, so that what was written is not lost. An error: it cannot be told what it is.
 */
export async function runSlash(calls: SlashCalls, channel: Id, text: string, failed: () => void): Promise<boolean> {
  const parsed = parseSlash(text);
  if (parsed === null) return false;
  const commands = await commandsOf(calls, channel);
  const command = commands.find((c) => c.command === parsed.command);
  if (command === undefined) return false;
  try {
    const { text: answer } = await calls.run(channel, parsed.command, parsed.rest);
    if (answer !== undefined) addNote(channel, command.name, answer);
  } catch (error) {
    addNote(channel, command.name, explain(error), true);
    failed();
  }
  return true;
}
