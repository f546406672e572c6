import { CallError } from "@parley/client";
import { useState } from "preact/hooks";
import { register } from "../../app";
import { LIMITS } from "@parley/client";
import { explain } from "../../explain";
import { Field } from "../base/Field";
import { Problem } from "../base/Problem";
import { useAction } from "../base/useAction";

interface Props {
  setup: "none" | "open" | "code";
  /** null: no invitation is asked for. */
  invite: string | null;
  submit: string;
}

function words(error: unknown): string {
  if (error instanceof CallError) {
    if (error.disconnected) return "The server cannot be reached. Please try again.";
    if (error.type === "conflict") return "That name is taken. Choose another.";
    if (error.type === "forbidden") return "This invitation or code is not valid, or not any more.";
  }
  return explain(error);
}

export function RegisterForm({ setup, invite, submit }: Props) {
  const [name, setName] = useState("");
  const [display, setDisplay] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState(invite ?? "");
  const action = useAction(words);
  const needsCode = setup === "code" || invite !== null;

  function at(field: string): string | undefined {
    return action.field === field ? (action.error ?? undefined) : undefined;
  }
  const elsewhere = action.error !== null && !["name", "password", "display_name", "invite"].includes(action.field ?? "");

  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        action.run(() =>
          register({
            name: name.trim().toLowerCase(),
            password,
            ...(display.trim() === "" ? {} : { display_name: display.trim() }),
            ...(needsCode && code.trim() !== "" ? { invite: code.trim() } : {}),
          }),
        );
      }}
    >
      {needsCode && (
        <Field
          label={setup === "code" ? "Set-up code" : "Invitation"}
          hint={setup === "code" ? "Printed by the server when it started." : undefined}
          value={code}
          onInput={setCode}
          error={at("invite")}
          required
          autofocus
        />
      )}
      <Field
        label="Name"
        hint="Lower-case letters, digits, dots and dashes. People mention you by it."
        value={name}
        onInput={(v) => setName(v.toLowerCase())}
        autocomplete="username"
        pattern="[a-z0-9][a-z0-9._\-]*"
        maxLength={LIMITS.name_chars}
        error={at("name")}
        required
        autofocus={!needsCode}
      />
      <Field
        label="Display name"
        placeholder="Optional"
        value={display}
        onInput={setDisplay}
        autocomplete="name"
        maxLength={LIMITS.display_name_chars}
        error={at("display_name")}
      />
      <Field
        label="Password"
        type="password"
        hint={`At least ${LIMITS.password_min_bytes} characters.`}
        value={password}
        onInput={setPassword}
        autocomplete="new-password"
        minLength={LIMITS.password_min_bytes}
        error={at("password")}
        required
      />
      <Problem text={elsewhere ? action.error : null} />
      <button type="submit" class="button primary" disabled={action.busy}>
        {action.busy ? "One moment…" : submit}
      </button>
    </form>
  );
}
