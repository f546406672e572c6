import { useState } from "preact/hooks";
import { call, openDirect, state } from "../../app";
import { LIMITS } from "@parley/client";
import type { User } from "@parley/client";
import { displayName } from "@parley/client/state";
import { Avatar } from "../base/Avatar";
import { closeDialog, Dialog } from "../base/Dialog";
import { Field } from "../base/Field";
import { Icon } from "../base/Icon";
import { Problem } from "../base/Problem";
import { useAction } from "../base/useAction";
import { useSearch } from "./useSearch";

async function ask(query: string): Promise<User[]> {
  const { users } = await call("user.list", { limit: 50, ...(query === "" ? {} : { query }) });
  return users.filter((u) => u.disabled_at === undefined);
}

export function NewMessage() {
  const search = useSearch(ask);
  const [chosen, setChosen] = useState<readonly User[]>([]);
  const action = useAction();

  function toggle(user: User): void {
    const without = chosen.filter((u) => u.id !== user.id);
    if (without.length < chosen.length) setChosen(without);
    else if (chosen.length < LIMITS.dm_users) setChosen([...chosen, user]);
  }

  function start(): void {
    if (chosen.length === 0) return;
    action.run(async () => {
      await openDirect(chosen.map((u) => u.id));
      closeDialog();
    });
  }

  return (
    <Dialog title="New message" wide>
      {chosen.length > 0 && (
        <ul class="chips" aria-label="Chosen">
          {chosen.map((u) => (
            <li key={u.id}>
              <button type="button" class="chip" onClick={() => toggle(u)}>
                <span class="visually-hidden">Take out </span>
                {displayName(u)}
                <Icon name="x" size={14} />
              </button>
            </li>
          ))}
        </ul>
      )}
      <Field
        label="To"
        type="search"
        value={search.query}
        onInput={search.setQuery}
        placeholder="Name"
        autofocus
        onKeyDown={(e) => {
          const first = search.found[0];
          if (e.key !== "Enter") return;
          e.preventDefault();
          if (search.query.trim() === "") start();
          else if (search.done && first !== undefined) {
            toggle(first);
            search.setQuery("");
          }
        }}
      />
      <Problem text={action.error ?? search.error} />
      <ul class="pick-list">
        {search.found.map((user) => {
          const on = chosen.some((u) => u.id === user.id);
          return (
            <li key={user.id}>
              <Avatar user={user} id={user.id} presence={state.value.presence[user.id]} />
              <span class="pick-text">
                <span class="option-name">{displayName(user)}</span>
                <span class="option-note">@{user.name}</span>
              </span>
              <button
                type="button"
                class="button small"
                onClick={() => toggle(user)}
              >
                {on ? "Remove" : "Choose"}
                <span class="visually-hidden"> {displayName(user)}</span>
              </button>
            </li>
          );
        })}
      </ul>
      {search.done && search.found.length === 0 && <p class="empty-note">Nobody goes by that name.</p>}
      <div class="dialog-actions">
        <button type="button" class="button" onClick={closeDialog}>
          Cancel
        </button>
        <button type="button" class="button primary" disabled={chosen.length === 0 || action.busy} onClick={start}>
          Start
        </button>
      </div>
    </Dialog>
  );
}
