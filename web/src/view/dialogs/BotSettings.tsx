import { useEffect, useState } from "preact/hooks";
import { call } from "../../app";
import type { User } from "@parley/client";
import { Field } from "../base/Field";
import { Problem } from "../base/Problem";
import { useAction } from "../base/useAction";

export function BotSettings() {
  const [bots, setBots] = useState<readonly User[]>([]);
  const [name, setName] = useState("");
  const action = useAction();

  async function refresh(): Promise<void> {
    setBots((await call("bot.list", {})).users);
  }
  useEffect(() => action.run(refresh), []);

  return (
    <div class="tokens">
      <p class="muted">A bot is an account for a program. It signs in with tokens that you make for it, and you invite it like anybody else.</p>
      <Problem text={action.error} />
      <ul class="pick-list">
        {bots.map((bot) => (
          <li key={bot.id}>
            <span class="pick-text">
              <span class="option-name">
                {bot.display_name}
                {bot.disabled_at !== undefined && <span class="tag">Disabled</span>}
              </span>
              <span class="option-note">@{bot.name}</span>
            </span>
            <button
              type="button"
              class={bot.disabled_at === undefined ? "button small danger" : "button small"}
              aria-label={`${bot.disabled_at === undefined ? "Disable" : "Enable"} ${bot.display_name}`}
              onClick={() =>
                action.run(async () => {
                  await call("bot.disable", { bot: bot.id, disabled: bot.disabled_at === undefined });
                  await refresh();
                })
              }
            >
              {bot.disabled_at === undefined ? "Disable" : "Enable"}
            </button>
          </li>
        ))}
      </ul>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          action.run(async () => {
            await call("bot.create", { name });
            setName("");
            await refresh();
          });
        }}
      >
        <h3>New bot</h3>
        <Field label="Name" value={name} onInput={setName} required maxLength={32} pattern="[a-z0-9][a-z0-9._\-]*" hint="Lower-case letters, digits, dots and dashes" />
        <div class="dialog-actions">
          <button type="submit" class="button primary" disabled={action.busy}>
            Create bot
          </button>
        </div>
      </form>
    </div>
  );
}
