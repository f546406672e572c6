import { useState } from "preact/hooks";
import { call, dispatch, state } from "../../app";
import { LIMITS } from "@parley/client";
import type { Id } from "@parley/client";
import { closeDialog, Dialog } from "../base/Dialog";
import { Field } from "../base/Field";
import { Problem } from "../base/Problem";
import { useAction } from "../base/useAction";

export function EditChannel({ channel: id }: { channel: Id }) {
  const view = state.value.channels[id]?.view;
  const [name, setName] = useState(view?.name ?? "");
  const [topic, setTopic] = useState(view?.topic ?? "");
  const action = useAction();
  return (
    <Dialog title={`Edit #${view?.name ?? ""}`}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          action.run(async () => {
            const { channel } = await call("channel.update", {
              channel: id,
              topic: topic.trim(),
              ...(name === view?.name ? {} : { name }),
            });
            dispatch({ type: "channel/changed", channel });
            closeDialog();
          });
        }}
      >
        <Field
          label="Name"
          value={name}
          onInput={(v) => setName(v.toLowerCase())}
          maxLength={LIMITS.name_chars}
          pattern="[a-z0-9][a-z0-9._\-]*"
          required
        />
        <Field label="Topic" value={topic} onInput={setTopic} maxLength={LIMITS.topic_chars} autofocus />
        <Problem text={action.error} />
        <div class="dialog-actions">
          <button type="button" class="button" onClick={closeDialog}>
            Cancel
          </button>
          <button type="submit" class="button primary" disabled={action.busy}>
            Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}
