import { useEffect, useState } from "preact/hooks";
import { learnServer, serverInfo, signOutReason } from "../../app";
import { serverName } from "@parley/client/state";
import { Logo } from "../base/Logo";
import { RegisterForm } from "./RegisterForm";
import { SignInForm } from "./SignInForm";

export function AuthScreen() {
  const info = serverInfo.value;
  const invite = inviteInUrl();
  const [wants, setWants] = useState<"sign-in" | "register">(invite === null ? "sign-in" : "register");

  useEffect(() => {
    if (info !== null) return undefined;
    const timer = setInterval(() => void learnServer(), 3_000);
    return () => clearInterval(timer);
  }, [info]);

  useEffect(() => {
    document.title = info === null ? "Parley" : `Sign in · ${serverName(info)}`;
  }, [info]);

  if (info === null) {
    return (
      <Frame title="Cannot reach the server">
        <p class="lead" role="status">
          Parley is not answering. This page tries again by itself.
        </p>
      </Frame>
    );
  }
  if (info.setup !== "none") {
    return (
      <Frame title={`Welcome to ${serverName(info)}`}>
        <p class="lead">Nobody is here yet. Create the first account: it owns this server.</p>
        <RegisterForm setup={info.setup} invite={null} submit="Create owner account" />
      </Frame>
    );
  }
  if (wants === "register" && (info.registration !== "closed" || invite !== null)) {
    return (
      <Frame title={`Join ${serverName(info)}`}>
        <RegisterForm setup="none" invite={info.registration === "invite" ? (invite ?? "") : invite} submit="Create account" />
        <p class="switch">
          Already have an account?{" "}
          <button type="button" class="link" onClick={() => setWants("sign-in")}>
            Sign in
          </button>
        </p>
      </Frame>
    );
  }
  return (
    <Frame title={`Sign in to ${serverName(info)}`}>
      <Reason />
      <SignInForm />
      {info.registration === "closed" ? (
        <p class="switch">New accounts are made by an administrator of this server.</p>
      ) : (
        <p class="switch">
          {info.registration === "invite" ? "Have an invitation?" : "New here?"}{" "}
          <button type="button" class="link" onClick={() => setWants("register")}>
            Create an account
          </button>
        </p>
      )}
    </Frame>
  );
}

function Reason() {
  const reason = signOutReason.value;
  if (reason === null) return null;
  return (
    <p class="notice" role="status">
      {reason === "revoked"
        ? "You were signed out: this session was ended from elsewhere."
        : "Your session has ended. Sign in again to go on."}
    </p>
  );
}

function Frame({ title, children }: { title: string; children: preact.ComponentChildren }) {
  return (
    <main class="auth">
      <div class="auth-card">
        <Logo size={44} />
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  );
}

function inviteInUrl(): string | null {
  const match = /^#\/invite\/([\w-]{1,128})$/.exec(location.hash);
  return match?.[1] ?? null;
}
