import { LIMITS } from "@parley/client";
import type { HookEvent, HookKind } from "@parley/client";
import { Field } from "../base/Field";
import type { HookDraft } from "./hookDraft";

const EVENTS: readonly { event: HookEvent; label: string }[] = [
  { event: "message.created", label: "Messages" },
  { event: "message.updated", label: "Edits of messages" },
  { event: "message.deleted", label: "Deletions of messages" },
  { event: "member.joined", label: "People who join" },
  { event: "member.left", label: "People who leave" },
  { event: "channel.updated", label: "A new name or topic" },
  { event: "channel.archived", label: "The channel’s end" },
];

interface Props {
  kind: HookKind;
  draft: HookDraft;
  change: (draft: HookDraft) => void;
  /** What the server has said about a parameter. */
  wrong?: { field: string | null; error: string | null };
}

/** Whether what is wrong with a parameter is said beside a field of its own. */
export function hasField(parameter: string | null): boolean {
  return parameter !== null && ["name", "icon", "command", "url", "trigger"].includes(parameter);
}

/** What a webhook or slash command of a kind can be told, in a form that makes one or changes it. */
export function HookFields({ kind, draft, change, wrong }: Props) {
  const error = (field: keyof HookDraft) => (wrong?.field === field && wrong.error !== null ? { error: wrong.error } : {});
  const put = (part: Partial<HookDraft>) => change({ ...draft, ...part });

  function toggle(event: HookEvent): void {
    const events = new Set(draft.events);
    if (!events.delete(event)) events.add(event);
    put({ events });
  }

  return (
    <>
      <Field label="Name to show" {...error("name")} value={draft.name} onInput={(name) => put({ name })} required maxLength={LIMITS.display_name_chars} />
      <Field label="Icon" {...error("icon")} value={draft.icon} onInput={(icon) => put({ icon })} maxLength={32} hint="An emoji, or its name: :rocket:" />
      {kind === "slash" && (
        <Field
          label="Command"
          {...error("command")}
          value={draft.command}
          onInput={(v) => put({ command: v.replace(/^\//, "").toLowerCase() })}
          required
          maxLength={LIMITS.name_chars}
          pattern="[a-z0-9][a-z0-9._\-]*"
          hint="The word behind the /"
        />
      )}
      {kind !== "incoming" && (
        <Field label="Address that is called" {...error("url")} value={draft.url} onInput={(url) => put({ url })} required maxLength={2048} placeholder="https://" />
      )}
      {kind === "outgoing" && (
        <>
          <fieldset class="scopes">
            <legend>What it is told of</legend>
            {EVENTS.map(({ event, label }) => (
              <label key={event}>
                <input type="checkbox" checked={draft.events.has(event)} onChange={() => toggle(event)} />
                {label}
              </label>
            ))}
          </fieldset>
          <Field label="Only messages that begin with" {...error("trigger")} value={draft.trigger} onInput={(trigger) => put({ trigger })} maxLength={64} />
        </>
      )}
    </>
  );
}
