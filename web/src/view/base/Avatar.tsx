import type { PresenceState, User } from "@parley/client";
import { displayName } from "@parley/client/state";

interface Props {
  user: User | undefined;
  id: string;
  size?: "small" | "normal" | "large";
  presence?: PresenceState;
  /** Instead of the initials. */
  emoji?: string | undefined;
}

/** Initials on a colour that follows from the user's id; set by the style sheet, as the name stands beside them. */
export function Avatar({ user, id, size = "normal", presence, emoji }: Props) {
  return (
    <span
      class={`avatar ${size}${emoji === undefined ? "" : " emoji"}`}
      style={{ "--hue": String(hueOf(id)) }}
      data-initials={emoji ?? initials(user)}
      aria-hidden="true"
    >
      {presence !== undefined && <span class={`presence ${presence}`} />}
    </span>
  );
}

/** One of 24 hues. Ids made in one second share their beginning, so all of the id counts. */
export function hueOf(id: string): number {
  let hash = 2166136261;
  for (let i = 0; i < id.length; i += 1) hash = Math.imul(hash ^ id.charCodeAt(i), 16777619);
  return (((hash ^ (hash >>> 15)) >>> 0) % 24) * 15;
}

function initials(user: User | undefined): string {
  if (user === undefined) return "·";
  const words = displayName(user).split(/[\s._-]+/).filter((w) => w !== "");
  const first = Array.from(words[0] ?? "?")[0] ?? "?";
  const last = words.length > 1 ? (Array.from(words.at(-1) ?? "")[0] ?? "") : "";
  return (first + last).toUpperCase();
}
