import { useEffect, useState } from "preact/hooks";
import { phase, status } from "../app";
import { AuthScreen } from "./auth/AuthScreen";
import { Logo } from "./base/Logo";
import { Announcer, Toasts } from "./base/Toasts";
import { Shell } from "./Shell";

export function App() {
  return (
    <>
      {phase.value === "ready" ? <Shell /> : phase.value === "signed-out" ? <AuthScreen /> : <Booting />}
      <Toasts />
      <Announcer />
    </>
  );
}

/** Nothing at first, so that a fast start does not flash; then what is going on. */
function Booting() {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 400);
    return () => clearTimeout(timer);
  }, []);
  if (!late) return <main class="auth" aria-busy="true" />;
  const waiting = status.value.kind === "waiting";
  return (
    <main class="auth">
      <div class="auth-card">
        <Logo size={44} />
        <h1>{waiting ? "Cannot reach the server" : "Connecting"}</h1>
        <p class="lead" role="status">
          {waiting ? "Parley is not answering. This page tries again by itself." : "One moment…"}
        </p>
      </div>
    </main>
  );
}
