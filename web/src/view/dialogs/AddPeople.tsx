import { CallError } from "@parley/client";
import { useState } from "preact/hooks";
import { call, state } from "../../app";
import type { Id, User } from "@parley/client";
import { explain } from "../../explain";
import { displayName } from "@parley/client/state";
import { Avatar } from "../base/Avatar";
import { closeDialog, Dialog } from "../base/Dialog";
import { Field } from "../base/Field";
import { Problem } from "../base/Problem";
import { useAction } from "../base/useAction";
import { useSearch } from "./useSearch";

export function AddPeople({ channel: id }: { channel: Id }) {
  const view = state.value.channels[id]?.view;
  const [added, setAdded] = useState<readonly Id[]>([]);
  const action = useAction(words);
  const search = useSearch<User>(async (query) => {
    const [people, here] = await Promise.all([
      call("user.list", { limit: 50, ...(query === "" ? {} : { query }) }),
      call("channel.members", { channel: id, limit: 200 }),
    ]);
    const members = new Set(here.members.map((m) => m.user.id));
    return people.users.filter((u) => u.disabled_at === undefined && (!members.has(u.id) || added.includes(u.id)));
  });

  return (
    <Dialog title={`Add people to #${view?.name ?? ""}`} wide>
      <Field label="Find" type="search" value={search.query} onInput={search.setQuery} placeholder="Name" autofocus />
      <Problem text={action.error ?? search.error} />
      <ul class="pick-list">
        {search.found.map((user) => {
          const done = added.includes(user.id);
          return (
            <li key={user.id}>
              <Avatar user={user} id={user.id} />
              <span class="pick-text">
                <span class="option-name">{displayName(user)}</span>
                <span class="option-note">@{user.name}</span>
              </span>
              <button
                type="button"
                class="button small"
                disabled={done || action.busy}
                onClick={() =>
                  action.run(async () => {
                    await call("channel.invite", { channel: id, user: user.id });
                    setAdded((before) => [...before, user.id]);
                  })
                }
              >
                {done ? "Added" : "Add"}
                <span class="visually-hidden"> {displayName(user)}</span>
              </button>
            </li>
          );
        })}
      </ul>
      {search.done && search.found.length === 0 && (
        <p class="empty-note">{search.query === "" ? "Everybody is here already." : "Nobody goes by that name."}</p>
      )}
      <div class="dialog-actions">
        <button type="button" class="button primary" onClick={closeDialog}>
          Done
        </button>
      </div>
    </Dialog>
  );
}

function words(error: unknown): string {
  if (error instanceof CallError && error.type === "conflict") return "That person is in the channel already.";
  return explain(error);
}
