import { useState } from "react";

export function SignIn({ signIn }) {
  const [problem, setProblem] = useState(null);
  const submit = async (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    try {
      setProblem(await signIn(form.get("name"), form.get("password")));
    } catch {
      setProblem("The server cannot be reached");
    }
  };
  return (
    <main>
      <form className="sign-in" onSubmit={submit}>
        <h1>Sign in</h1>
        <label>
          Name
          <input name="name" autoComplete="username" required autoFocus />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        {problem && <p className="error" role="alert">{problem}</p>}
        <button>Sign in</button>
      </form>
    </main>
  );
}
