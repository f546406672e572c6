import { useEffect, useState } from "preact/hooks";
import { call } from "../../app";
import type { Invite } from "@parley/client";
import { Copyable } from "../base/Copyable";
import { Dialog } from "../base/Dialog";
import { IconButton } from "../base/IconButton";
import { Pick } from "../base/Pick";
import { Problem } from "../base/Problem";
import { shortTime } from "../base/time";
import { useAction } from "../base/useAction";

const LIFETIMES = [
  { label: "1 day", value: 86_400 },
  { label: "7 days", value: 7 * 86_400 },
  { label: "30 days", value: 30 * 86_400 },
];
const USES = [1, 5, 25, 100].map((n) => ({ label: n === 1 ? "1 person" : `${n} people`, value: n }));

export function Invites() {
  const [invites, setInvites] = useState<readonly Invite[]>([]);
  const [uses, setUses] = useState(1);
  const [lifetime, setLifetime] = useState(7 * 86_400);
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
        <Pick label="For" options={USES} value={uses} onPick={setUses} />
        <Pick label="Valid for" options={LIFETIMES} value={lifetime} onPick={setLifetime} />
        <button type="submit" class="button primary" disabled={action.busy}>
          Create link
        </button>
      </form>
      <Problem text={action.error} />
      {made !== null && (
        <div role="status">
          <Copyable label="Invitation link" text={made} />
        </div>
      )}
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

function linkOf(invite: string): string {
  return `${location.origin}/#/invite/${invite}`;
}
