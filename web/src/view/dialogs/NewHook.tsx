import { useState } from "preact/hooks";
import { LIMITS } from "@parley/client";
import type { HookEvent, HookKind } from "@parley/client";
import { Field } from "../base/Field";
import { Pick } from "../base/Pick";

const KINDS: readonly { value: HookKind; label: string }[] = [
  { value: "incoming", label: "Incoming: a program posts messages" },
  { value: "outgoing", label: "Outgoing: a program is told of events" },
  { value: "slash", label: "Slash command: a program answers" },
];
const EVENTS: readonly { event: HookEvent; label: string }[] = [
  { event: "message.created", label: "Messages" },
  { event: "message.updated", label: "Edits of messages" },
  { event: "message.deleted", label: "Deletions of messages" },
  { event: "member.joined", label: "People who join" },
  { event: "member.left", label: "People who leave" },
  { event: "channel.updated", label: "A new name or topic" },
  { event: "channel.archived", label: "The channel’s end" },
];

export interface HookParams {
  kind: HookKind;
  name: string;
  icon?: string;
  url?: string;
  events?: HookEvent[];
  trigger?: string;
  command?: string;
}

export function NewHook({ busy, create }: { busy: boolean; create: (params: HookParams) => void }) {
  const [kind, setKind] = useState<HookKind>("incoming");
  const [name, setName] = useState("");
  const [icon, setIcon] = useState("");
  const [url, setUrl] = useState("");
  const [trigger, setTrigger] = useState("");
  const [command, setCommand] = useState("");
  const [events, setEvents] = useState<ReadonlySet<HookEvent>>(new Set<HookEvent>(["message.created"]));
  const deaf = kind === "outgoing" && events.size === 0;

  function toggle(event: HookEvent): void {
    const next = new Set(events);
    if (!next.delete(event)) next.add(event);
    setEvents(next);
  }

  function params(): HookParams {
    const shown = { kind, name, ...(icon.trim() !== "" && { icon: icon.trim() }) };
    if (kind === "incoming") return shown;
    if (kind === "slash") return { ...shown, url, command };
    return { ...shown, url, events: [...events], ...(trigger.trim() !== "" && { trigger: trigger.trim() }) };
  }

  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        create(params());
        setName("");
        setIcon("");
        setUrl("");
        setTrigger("");
        setCommand("");
      }}
    >
      <h3>New integration</h3>
      <Pick label="Kind" options={KINDS} value={kind} onPick={setKind} />
      <Field label="Name to show" value={name} onInput={setName} required maxLength={LIMITS.display_name_chars} />
      <Field label="Icon" value={icon} onInput={setIcon} maxLength={32} hint="An emoji, or its name: :rocket:" />
      {kind === "slash" && (
        <Field
          label="Command"
          value={command}
          onInput={(v) => setCommand(v.replace(/^\//, "").toLowerCase())}
          required
          maxLength={LIMITS.name_chars}
          pattern="[a-z0-9][a-z0-9._\-]*"
          hint="The word behind the /"
        />
      )}
      {kind !== "incoming" && <Field label="Address that is called" value={url} onInput={setUrl} required maxLength={2048} placeholder="https://" />}
      {kind === "outgoing" && (
        <>
          <fieldset class="scopes">
            <legend>What it is told of</legend>
            {EVENTS.map(({ event, label }) => (
              <label key={event}>
                <input type="checkbox" checked={events.has(event)} onChange={() => toggle(event)} />
                {label}
              </label>
            ))}
          </fieldset>
          <Field label="Only messages that begin with" value={trigger} onInput={setTrigger} maxLength={64} />
        </>
      )}
      <div class="dialog-actions">
        <button type="submit" class="button primary" disabled={busy || deaf}>
          Create
        </button>
      </div>
    </form>
  );
}
