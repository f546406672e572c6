import { displayName } from "@parley/client/state";
import type { User } from "@parley/client";
import { Avatar } from "../base/Avatar";
import type { Mentions } from "./useMentions";

export function MentionMenu({ mentions, onChoose }: { mentions: Mentions; onChoose: (user: User) => void }) {
  return (
    <ul id="mention-menu" class="mention-menu" role="listbox" aria-label="People to mention">
      {mentions.users.map((user, i) => (
        <li
          key={user.id}
          id={`mention-${i}`}
          role="option"
          aria-selected={i === mentions.index}
          // The press must not take the focus away from the text.
          onPointerDown={(event) => {
            event.preventDefault();
            onChoose(user);
          }}
        >
          <Avatar user={user} id={user.id} size="small" />
          <span class="option-name">{displayName(user)}</span>
          <span class="option-note">@{user.name}</span>
        </li>
      ))}
    </ul>
  );
}
