import { useEffect, useRef, useState } from "preact/hooks";
import type { Hook } from "@parley/client";
import { Problem } from "../base/Problem";
import { useAction } from "../base/useAction";
import { hasField, HookFields } from "./HookFields";
import { changesOf, draftOf, isDeaf } from "./hookDraft";
import type { HookSettings } from "./hookDraft";

interface Props {
  hook: Hook;
  save: (changes: Partial<HookSettings>) => Promise<void>;
  close: () => void;
}

/** A hook's settings, where the hook is. What goes wrong is said here, and what was typed stays. */
export function EditHook({ hook, save, close }: Props) {
  const [draft, setDraft] = useState(() => draftOf(hook));
  const form = useRef<HTMLFormElement>(null);
  const action = useAction();

  useEffect(() => form.current?.querySelector("input")?.focus(), []);
  useEffect(() => {
    if (action.field !== null) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [action.field]);

  return (
    <form
      ref={form}
      class="form hook-edit"
      aria-label={`Edit ${hook.name}`}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault(); // the dialog stays
        close();
      }}
      onSubmit={(event) => {
        event.preventDefault();
        const changes = changesOf(hook, draft);
        if (changes === null) close();
        else
          action.run(async () => {
            await save(changes);
            close();
          });
      }}
    >
      <HookFields kind={hook.kind} draft={draft} change={setDraft} wrong={action} />
      {!hasField(action.field) && <Problem text={action.error} />}
      <div class="dialog-actions">
        <button type="button" class="button small" onClick={close}>
          Cancel
        </button>
        <button type="submit" class="button small primary" disabled={action.busy || isDeaf(hook.kind, draft)}>
          Save
        </button>
      </div>
    </form>
  );
}
