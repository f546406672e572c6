import { useState } from "preact/hooks";
import { call, dispatch, state } from "../../app";
import { LIMITS } from "@parley/client";
import { toast } from "../../ui";
import { Avatar } from "../base/Avatar";
import { Field } from "../base/Field";
import { useAction } from "../base/useAction";

export function ProfileSettings() {
  const me = state.value.me;
  const [name, setName] = useState(me?.display_name ?? "");
  const action = useAction();
  if (me === null) return null;
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        action.run(async () => {
          const { user } = await call("user.update", { display_name: name.trim() });
          dispatch({ type: "event", event: { method: "user.updated", params: { user } }, now: 0 });
          toast("Saved.");
        });
      }}
    >
      <div class="profile">
        <Avatar user={{ ...me, display_name: name.trim() }} id={me.id} size="large" />
        <p>
          <strong>@{me.name}</strong>
          <span class="option-note">{me.role === "member" ? "Member" : me.role === "owner" ? "Owner" : "Administrator"}</span>
        </p>
      </div>
      <Field
        label="Display name"
        value={name}
        onInput={setName}
        maxLength={LIMITS.display_name_chars}
        autocomplete="name"
        error={action.error ?? undefined}
        required
      />
      <div class="dialog-actions">
        <button type="submit" class="button primary" disabled={action.busy || name.trim() === me.display_name}>
          Save
        </button>
      </div>
    </form>
  );
}
