import { useEffect, useState } from "preact/hooks";
import { call, state } from "../../app";
import type { Id, Scope, Token, User } from "@parley/client";
import { sorted } from "@parley/client/state";
import { Copyable } from "../base/Copyable";
import { Field } from "../base/Field";
import { IconButton } from "../base/IconButton";
import { Pick } from "../base/Pick";
import { Problem } from "../base/Problem";
import { shortTime } from "../base/time";
import { useAction } from "../base/useAction";

const SCOPES: readonly { scope: Scope; label: string }[] = [
  { scope: "messages:read", label: "Read messages and receive events" },
  { scope: "messages:write", label: "Send, edit and delete messages" },
  { scope: "channels:read", label: "Find channels and their members" },
  { scope: "channels:write", label: "Create, join, change and leave channels" },
  { scope: "users:read", label: "See people and who is there" },
  { scope: "profile:write", label: "Change the display name and presence" },
  { scope: "hooks:write", label: "Manage webhooks and slash commands" },
  { scope: "admin", label: "Administer the server" },
];
const LIFETIMES = [
  { label: "30 days", value: 30 * 86_400 },
  { label: "90 days", value: 90 * 86_400 },
  { label: "1 year", value: 365 * 86_400 },
  { label: "ever", value: 0 },
];
const MYSELF = "";

export function TokenSettings() {
  const [tokens, setTokens] = useState<readonly Token[]>([]);
  const [bots, setBots] = useState<readonly User[]>([]);
  const [user, setUser] = useState(MYSELF);
  const [made, setMade] = useState<string | null>(null);
  const action = useAction();
  const whose = user === MYSELF ? {} : { user };

  async function refresh(): Promise<void> {
    setTokens((await call("token.list", whose)).tokens);
  }
  useEffect(() => action.run(async () => setBots((await call("bot.list", {})).users)), []);
  useEffect(() => {
    let gone = false;
    setMade(null);
    call("token.list", whose).then(
      ({ tokens: found }) => !gone && setTokens(found),
      () => !gone && setTokens([]),
    );
    return () => {
      gone = true;
    };
  }, [user]);

  return (
    <div class="tokens">
      <p class="muted">With a token a program acts for you or for a bot of yours, within what you allow here.</p>
      {bots.length > 0 && (
        <Pick
          label="Tokens of"
          options={[{ value: MYSELF, label: "myself" }, ...bots.map((bot) => ({ value: bot.id, label: bot.display_name }))]}
          value={user}
          onPick={setUser}
        />
      )}
      <Problem text={action.error} />
      {made !== null && <Secret secret={made} />}
      <ul class="pick-list">
        {tokens.map((token) => (
          <li key={token.id}>
            <span class="pick-text">
              <span class="option-name">{token.name}</span>
              <span class="option-note wraps">{token.scopes.join(", ")}</span>
              <span class="option-note wraps">{lifeOf(token)}</span>
            </span>
            <IconButton
              icon="trash"
              label={`Revoke ${token.name}`}
              danger
              onClick={() =>
                action.run(async () => {
                  await call("token.revoke", { token: token.id });
                  await refresh();
                })
              }
            />
          </li>
        ))}
      </ul>
      <NewToken
        busy={action.busy}
        create={(params) =>
          action.run(async () => {
            const { secret } = await call("token.create", { ...params, ...whose });
            setMade(secret);
            await refresh();
          })
        }
      />
    </div>
  );
}

interface NewTokenProps {
  busy: boolean;
  create: (params: { name: string; scopes: Scope[]; channels?: Id[]; expires_in_s?: number }) => void;
}

function NewToken({ busy, create }: NewTokenProps) {
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<ReadonlySet<Scope>>(new Set());
  const [only, setOnly] = useState<ReadonlySet<Id>>(new Set());
  const [lifetime, setLifetime] = useState(30 * 86_400);
  const { channels } = sorted(state.value);

  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        create({
          name,
          scopes: [...scopes],
          ...(only.size > 0 && { channels: [...only] }),
          ...(lifetime > 0 && { expires_in_s: lifetime }),
        });
        setName("");
        setScopes(new Set());
        setOnly(new Set());
      }}
    >
      <h3>New token</h3>
      <Field label="What it is for" value={name} onInput={setName} required maxLength={64} />
      <fieldset class="scopes">
        <legend>What it may do</legend>
        {SCOPES.map(({ scope, label }) => (
          <label key={scope}>
            <input type="checkbox" checked={scopes.has(scope)} onChange={() => setScopes(toggled(scopes, scope))} />
            {label}
          </label>
        ))}
      </fieldset>
      <details class="limit">
        <summary>{only.size === 0 ? "In all channels" : `Only in ${only.size === 1 ? "one channel" : `${only.size} channels`}`}</summary>
        <fieldset class="scopes">
          <legend>Only in these channels</legend>
          {channels.map(({ view }) => (
            <label key={view.id}>
              <input type="checkbox" checked={only.has(view.id)} onChange={() => setOnly(toggled(only, view.id))} />
              {view.name}
            </label>
          ))}
        </fieldset>
      </details>
      <Pick label="Valid for" options={LIFETIMES} value={lifetime} onPick={setLifetime} />
      <div class="dialog-actions">
        <button type="submit" class="button primary" disabled={busy || scopes.size === 0}>
          Create token
        </button>
      </div>
    </form>
  );
}

function toggled<T>(set: ReadonlySet<T>, item: T): ReadonlySet<T> {
  const next = new Set(set);
  if (!next.delete(item)) next.add(item);
  return next;
}

function Secret({ secret }: { secret: string }) {
  return (
    <div role="status">
      <p>Copy it now: it is not shown again.</p>
      <Copyable label="New token" text={secret} />
    </div>
  );
}

function lifeOf(token: Token): string {
  const used = token.last_used_at === undefined ? "never used" : `last used ${shortTime(token.last_used_at)}`;
  const end = token.expires_at === undefined ? "" : ` · until ${shortTime(token.expires_at)}`;
  const n = token.channels?.length;
  const only = n === undefined ? "" : n === 1 ? " · one channel" : ` · ${n} channels`;
  return used + end + only;
}
