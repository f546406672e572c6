import type { Hook, HookEvent, HookKind } from "@parley/client";

/** What a form about a hook holds, of whatever kind the hook is. */
export interface HookDraft {
  name: string;
  icon: string;
  url: string;
  trigger: string;
  command: string;
  events: ReadonlySet<HookEvent>;
}

/** Of a hook, whatever can be said at its beginning and changed later. */
export type HookSettings = Pick<Hook, "name" | "icon" | "url" | "events" | "trigger" | "command">;

export function emptyDraft(): HookDraft {
  return { name: "", icon: "", url: "", trigger: "", command: "", events: new Set<HookEvent>(["message.created"]) };
}

export function draftOf(hook: Hook): HookDraft {
  return {
    name: hook.name,
    icon: hook.icon ?? "",
    url: hook.url ?? "",
    trigger: hook.trigger ?? "",
    command: hook.command ?? "",
    events: new Set(hook.events),
  };
}

/** An outgoing webhook that is told of nothing is of no use. */
export function isDeaf(kind: HookKind, draft: HookDraft): boolean {
  return kind === "outgoing" && draft.events.size === 0;
}

/** What a new hook is made with: nothing that its kind does not have, or that was left empty. */
export function settingsOf(kind: HookKind, draft: HookDraft): HookSettings {
  const icon = draft.icon.trim();
  const trigger = draft.trigger.trim();
  const shown = { name: draft.name, ...(icon !== "" && { icon }) };
  if (kind === "incoming") return shown;
  if (kind === "slash") return { ...shown, url: draft.url, command: draft.command };
  return { ...shown, url: draft.url, events: [...draft.events], ...(trigger !== "" && { trigger }) };
}

/** What is different from how the hook is; null if nothing is. An icon or trigger that was emptied is taken away. */
export function changesOf(hook: Hook, draft: HookDraft): Partial<HookSettings> | null {
  const wanted = { ...settingsOf(hook.kind, draft), icon: draft.icon.trim(), ...(hook.kind === "outgoing" && { trigger: draft.trigger.trim() }) };
  const changes: Partial<HookSettings> = {};
  if (wanted.name !== hook.name) changes.name = wanted.name;
  if (wanted.icon !== (hook.icon ?? "")) changes.icon = wanted.icon;
  if (wanted.url !== hook.url && wanted.url !== undefined) changes.url = wanted.url;
  if (wanted.command !== hook.command && wanted.command !== undefined) changes.command = wanted.command;
  if (wanted.trigger !== undefined && wanted.trigger !== (hook.trigger ?? "")) changes.trigger = wanted.trigger;
  if (wanted.events !== undefined && !sameEvents(wanted.events, hook.events ?? [])) changes.events = wanted.events;
  return Object.keys(changes).length === 0 ? null : changes;
}

function sameEvents(a: readonly HookEvent[], b: readonly HookEvent[]): boolean {
  return a.length === b.length && a.every((event) => b.includes(event));
}
