import { discardSend, retrySend } from "../../app";
import type { User } from "@parley/client";
import { displayName } from "@parley/client/state";
import type { Pending } from "@parley/client/state";
import { Avatar } from "../base/Avatar";
import { pure } from "../base/pure";
import { clockTime } from "../base/time";
import { Markup } from "./Markup";

interface Props {
  pending: Pending;
  me: User;
  grouped: boolean;
}

/** A message on its way: dimmed, or, when the server refused it, with a choice. */
export const PendingRow = pure(({ pending, me, grouped }: Props) => {
  const failed = pending.failed !== undefined;
  const id = `p-${pending.client_msg_id}`;
  return (
    <article
      class={`message ${failed ? "failed" : "sending"}${grouped ? " grouped" : ""}`}
      tabIndex={-1}
      aria-labelledby={`${id}-who ${id}-state ${id}-what`}
    >
      {grouped ? <span class="gutter-time" /> : <Avatar user={me} id={me.id} />}
      <div class="message-body">
        <div class={grouped ? "visually-hidden" : "message-head"}>
          <span id={`${id}-who`} class="author">
            {displayName(me)}
          </span>
          <span id={`${id}-state`} class="when">
            {failed ? "not sent" : clockTime(pending.created_at)}
            {!failed && <span class="visually-hidden"> sending</span>}
          </span>
        </div>
        <div id={`${id}-what`} class="text">
          <Markup text={pending.text} />
        </div>
        {pending.failed !== undefined && (
          <div class="failure">
            <span class="note error">Not sent. {pending.failed}</span>
            <button type="button" class="button small" onClick={() => retrySend(pending.client_msg_id)}>
              Retry
            </button>
            <button type="button" class="button small danger" onClick={() => discardSend(pending.client_msg_id)}>
              Delete
            </button>
          </div>
        )}
      </div>
    </article>
  );
});
