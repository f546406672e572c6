import { useEffect, useState } from "preact/hooks";
import { call } from "../../app";
import type { Invite } from "@parley/client";
import { toast } from "../../ui";
import { Dialog } from "../base/Dialog";
import { IconButton } from "../base/IconButton";
import { Problem } from "../base/Problem";
import { shortTime } from "../base/time";
import { useAction } from "../base/useAction";

const LIFETIMES = [
  { label: "1 day", seconds: 86_400 },
  { label: "7 days", seconds: 7 * 86_400 },
  { label: "30 days", seconds: 30 * 86_400 },
] as const;
const USES = [1, 5, 25, 100] as const;

export function Invites() {
  const [invites, setInvites] = useState<readonly Invite[]>([]);
  const [uses, setUses] = useState<number>(1);
  const [lifetime, setLifetime] = useState<number>(LIFETIMES[1].seconds);
  const [made, setMade] = useState<string | null>(null);
  const action = useAction();

  async function refresh(): Promise<void> {
    setInvites((await call("admin.invite.list", {})).invites);
  }
  useEffect(() => action.run(refresh), []);

  return (
    <Dialog title="Invite people" wide>
      <form
        class="form inline"
        onSubmit={(event) => {
          event.preventDefault();
          action.run(async () => {
            const { invite } = await call("admin.invite.create", { uses, expires_in_s: lifetime });
            setMade(linkOf(invite));
            await refresh();
          });
        }}
      >
        <label class="pick">
          For
          <select value={String(uses)} onChange={(e) => setUses(Number(e.currentTarget.value))}>
            {USES.map((n) => (
              <option key={n} value={String(n)}>
                {n === 1 ? "1 person" : `${n} people`}
              </option>
            ))}
          </select>
        </label>
        <label class="pick">
          Valid for
          <select value={String(lifetime)} onChange={(e) => setLifetime(Number(e.currentTarget.value))}>
            {LIFETIMES.map((l) => (
              <option key={l.seconds} value={String(l.seconds)}>
                {l.label}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" class="button primary" disabled={action.busy}>
          Create link
        </button>
      </form>
      <Problem text={action.error} />
      {made !== null && <NewLink link={made} />}
      {invites.length > 0 && <h3>Open invitations</h3>}
      <ul class="pick-list">
        {invites.map((i) => (
          <li key={i.invite}>
            <span class="pick-text">
              <span class="option-name mono">{i.invite.slice(0, 10)}…</span>
              <span class="option-note">
                {i.uses_left === 1 ? "1 use" : `${i.uses_left} uses`} left
                {i.expires_at !== undefined && ` · until ${shortTime(i.expires_at)}`}
              </span>
            </span>
            <IconButton
              icon="trash"
              label={`Revoke invitation ${i.invite.slice(0, 10)}`}
              danger
              onClick={() =>
                action.run(async () => {
                  await call("admin.invite.revoke", { invite: i.invite });
                  await refresh();
                })
              }
            />
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

function NewLink({ link }: { link: string }) {
  const canCopy = "clipboard" in navigator;
  return (
    <div class="new-link" role="status">
      <input readOnly aria-label="Invitation link" value={link} onFocus={(e) => e.currentTarget.select()} />
      {canCopy && (
        <button
          type="button"
          class="button"
          onClick={() => {
            navigator.clipboard.writeText(link).then(
              () => toast("Copied."),
              () => toast("The browser did not allow copying.", "error"),
            );
          }}
        >
          Copy
        </button>
      )}
    </div>
  );
}

function linkOf(invite: string): string {
  return `${location.origin}/#/invite/${invite}`;
}
