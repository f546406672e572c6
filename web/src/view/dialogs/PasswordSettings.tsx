import { CallError } from "@parley/client";
import { useState } from "preact/hooks";
import { call } from "../../app";
import { LIMITS } from "@parley/client";
import { explain } from "../../explain";
import { toast } from "../../ui";
import { Field } from "../base/Field";
import { useAction } from "../base/useAction";

function words(error: unknown): string {
  if (error instanceof CallError && (error.type === "forbidden" || error.type === "unauthenticated")) {
    return "The current password is not right.";
  }
  return explain(error);
}

export function PasswordSettings() {
  const [old, setOld] = useState("");
  const [next, setNext] = useState("");
  const action = useAction(words);
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        action.run(async () => {
          await call("auth.password", { old, new: next });
          setOld("");
          setNext("");
          toast("Password changed. Your other sessions were signed out.");
        });
      }}
    >
      <Field
        label="Current password"
        type="password"
        value={old}
        onInput={setOld}
        autocomplete="current-password"
        error={action.field === "new" ? undefined : (action.error ?? undefined)}
        required
      />
      <Field
        label="New password"
        type="password"
        hint={`At least ${LIMITS.password_min_bytes} characters. Every other session is signed out.`}
        value={next}
        onInput={setNext}
        autocomplete="new-password"
        minLength={LIMITS.password_min_bytes}
        error={action.field === "new" ? (action.error ?? undefined) : undefined}
        required
      />
      <div class="dialog-actions">
        <button type="submit" class="button primary" disabled={action.busy}>
          Change password
        </button>
      </div>
    </form>
  );
}
