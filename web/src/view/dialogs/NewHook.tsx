import { useState } from "preact/hooks";
import type { HookKind } from "@parley/client";
import { Pick } from "../base/Pick";
import { HookFields } from "./HookFields";
import { emptyDraft, isDeaf, settingsOf } from "./hookDraft";
import type { HookSettings } from "./hookDraft";

const KINDS: readonly { value: HookKind; label: string }[] = [
  { value: "incoming", label: "Incoming: a program posts messages" },
  { value: "outgoing", label: "Outgoing: a program is told of events" },
  { value: "slash", label: "Slash command: a program answers" },
];

export type HookParams = HookSettings & { kind: HookKind };

interface Props {
  busy: boolean;
  /** Calls `done` when it is made. */
  create: (params: HookParams, done: () => void) => void;
}

export function NewHook({ busy, create }: Props) {
  const [kind, setKind] = useState<HookKind>("incoming");
  const [draft, setDraft] = useState(emptyDraft);

  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        create({ kind, ...settingsOf(kind, draft) }, () => setDraft({ ...emptyDraft(), events: draft.events }));
      }}
    >
      <h3>New integration</h3>
      <Pick label="Kind" options={KINDS} value={kind} onPick={setKind} />
      <HookFields kind={kind} draft={draft} change={setDraft} />
      <div class="dialog-actions">
        <button type="submit" class="button primary" disabled={busy || isDeaf(kind, draft)}>
          Create
        </button>
      </div>
    </form>
  );
}
