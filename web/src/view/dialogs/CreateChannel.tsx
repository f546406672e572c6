import { CallError } from "@parley/client";
import { useState } from "preact/hooks";
import { createChannel } from "../../app";
import { LIMITS } from "@parley/client";
import { explain } from "../../explain";
import { closeDialog, Dialog } from "../base/Dialog";
import { Field } from "../base/Field";
import { useAction } from "../base/useAction";

function words(error: unknown): string {
  if (error instanceof CallError && error.type === "conflict") return "There is a channel of that name already.";
  return explain(error);
}

export function CreateChannel({ name: initial }: { name: string }) {
  const [name, setName] = useState(asName(initial));
  const [topic, setTopic] = useState("");
  const [isPrivate, setPrivate] = useState(false);
  const action = useAction(words);
  return (
    <Dialog title="New channel">
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          action.run(async () => {
            await createChannel({
              name,
              type: isPrivate ? "private" : "public",
              ...(topic.trim() === "" ? {} : { topic: topic.trim() }),
            });
            closeDialog();
          });
        }}
      >
        <Field
          label="Name"
          hint="Lower-case letters, digits, dots and dashes."
          value={name}
          onInput={(v) => setName(asName(v))}
          maxLength={LIMITS.name_chars}
          pattern="[a-z0-9][a-z0-9._\-]*"
          error={action.field === "name" || action.field === null ? (action.error ?? undefined) : undefined}
          required
          autofocus
        />
        <Field
          label="Topic"
          placeholder="What is it about? (optional)"
          value={topic}
          onInput={setTopic}
          maxLength={LIMITS.topic_chars}
          error={action.field === "topic" ? (action.error ?? undefined) : undefined}
        />
        <label class="check">
          <input type="checkbox" checked={isPrivate} onChange={(e) => setPrivate(e.currentTarget.checked)} />
          <span>
            Private
            <span class="option-note">Only people who are added can find and read it.</span>
          </span>
        </label>
        <div class="dialog-actions">
          <button type="button" class="button" onClick={closeDialog}>
            Cancel
          </button>
          <button type="submit" class="button primary" disabled={action.busy}>
            Create
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function asName(text: string): string {
  return text.toLowerCase().replace(/\s+/g, "-").replace(/^#/, "");
}
