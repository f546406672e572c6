import { CallError } from "@parley/client";
import { useState } from "preact/hooks";
import { signIn } from "../../app";
import { explain } from "../../explain";
import { Field } from "../base/Field";
import { Problem } from "../base/Problem";
import { useAction } from "../base/useAction";

function words(error: unknown): string {
  if (error instanceof CallError) {
    if (error.disconnected) return "The server cannot be reached. Please try again.";
    if (error.type === "unauthenticated" || error.type === "invalid_params") {
      return "The name or the password is not right.";
    }
  }
  return explain(error);
}

export function SignInForm() {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const action = useAction(words);

  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        action.run(() => signIn(name.trim().toLowerCase(), password));
      }}
    >
      <Field label="Name" value={name} onInput={setName} autocomplete="username" required autofocus />
      <Field
        label="Password"
        type="password"
        value={password}
        onInput={setPassword}
        autocomplete="current-password"
        required
      />
      <Problem text={action.error} />
      <button type="submit" class="button primary" disabled={action.busy}>
        {action.busy ? "Signing in…" : "Sign in"}
      </button>
    </form>
  );
}
