import { useEffect, useState } from "preact/hooks";
import { call, signOut } from "../../app";
import type { Session } from "@parley/client";
import { shortTime } from "../base/time";
import { closeDialog } from "../base/Dialog";
import { Problem } from "../base/Problem";
import { useAction } from "../base/useAction";

export function SessionSettings() {
  const [sessions, setSessions] = useState<readonly Session[]>([]);
  const action = useAction();

  async function refresh(): Promise<void> {
    setSessions((await call("auth.sessions", {})).sessions);
  }
  useEffect(() => action.run(refresh), []);

  return (
    <div>
      <p class="muted">Where you are signed in. Ending a session signs it out at once.</p>
      <Problem text={action.error} />
      <ul class="pick-list">
        {sessions.map((s) => (
          <li key={s.id}>
            <span class="pick-text">
              <span class="option-name">
                {agentName(s.agent)}
                {s.current && <span class="tag">This one</span>}
              </span>
              <span class="option-note">
                {s.address} · last used {shortTime(s.last_seen_at)}
              </span>
            </span>
            {s.current ? (
              <button
                type="button"
                class="button small"
                onClick={() => {
                  closeDialog();
                  void signOut();
                }}
              >
                Sign out
              </button>
            ) : (
              <button
                type="button"
                class="button small danger"
                aria-label={`End the session on ${agentName(s.agent)}, ${s.address}`}
                onClick={() =>
                  action.run(async () => {
                    await call("auth.revoke", { session: s.id });
                    await refresh();
                  })
                }
              >
                End
              </button>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

const BROWSERS: readonly [RegExp, string][] = [
  [/Edg\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\//, "Firefox"],
  [/Chrom(e|ium)\//, "Chrome"],
  [/Safari\//, "Safari"],
  [/^curl\//, "curl"],
];
const SYSTEMS: readonly [RegExp, string][] = [
  [/Android/, "Android"],
  [/iPhone|iPad/, "iOS"],
  [/Mac OS X/, "macOS"],
  [/Windows/, "Windows"],
  [/Linux/, "Linux"],
];

function agentName(agent: string): string {
  const browser = BROWSERS.find(([pattern]) => pattern.test(agent))?.[1];
  const system = SYSTEMS.find(([pattern]) => pattern.test(agent))?.[1];
  if (browser === undefined) return agent === "" ? "Unknown program" : agent.slice(0, 60);
  return system === undefined ? browser : `${browser} on ${system}`;
}
