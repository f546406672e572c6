import type { Message, User } from "@parley/client";
import { displayName } from "@parley/client/state";
import { emojiOf } from "../../text/emoji";
import { Avatar } from "../base/Avatar";
import { pure } from "../base/pure";
import { briefTime, clockTime, fullTime } from "../base/time";
import { EditBox } from "./EditBox";
import { Markup } from "./Markup";
import { MessageTools } from "./MessageTools";

interface Props {
  message: Message;
  author: User | undefined;
  grouped: boolean;
  /** Under the pointer or in focus: its tools are shown. */
  active: boolean;
  editing: boolean;
  mentionsMe: boolean;
  mayEdit: boolean;
  mayDelete: boolean;
  onQuote: (message: Message) => void;
}

export const MessageRow = pure((props: Props) => {
  const { message, author, grouped, active } = props;
  const deleted = message.deleted_at !== undefined;
  const id = `m-${message.id}`;
  const classes = ["message"];
  if (grouped) classes.push("grouped");
  if (active) classes.push("active");
  if (props.mentionsMe) classes.push("for-me");
  if (props.editing) classes.push("being-edited");
  return (
    <article class={classes.join(" ")} tabIndex={active ? 0 : -1} aria-labelledby={`${id}-who ${id}-app ${id}-when ${id}-what`} data-message={message.id}>
      {grouped ? (
        <Time id={`${id}-when`} at={message.created_at} class="gutter-time" brief />
      ) : (
        <Avatar user={author} id={message.author} emoji={emojiOf(message.as?.icon)} />
      )}
      <div class="message-body">
        {grouped ? (
          <span id={`${id}-who`} class="visually-hidden">
            {shownName(message, author)}
          </span>
        ) : (
          <div class="message-head">
            <span id={`${id}-who`} class="author">
              {shownName(message, author)}
            </span>
            <Program id={`${id}-app`} message={message} author={author} />
            <Time id={`${id}-when`} at={message.created_at} class="when" />
          </div>
        )}
        {props.editing ? (
          <EditBox message={message} />
        ) : (
          <div id={`${id}-what`} class={deleted ? "text deleted" : "text"}>
            {deleted ? <p>This message was deleted.</p> : <Markup text={message.text ?? ""} />}
            {!deleted && message.edited_at !== undefined && (
              <span class="edited" title={fullTime(message.edited_at)}>
                (edited)
              </span>
            )}
          </div>
        )}
      </div>
      {active && !deleted && !props.editing && (
        <MessageTools message={message} mayEdit={props.mayEdit} mayDelete={props.mayDelete} onQuote={props.onQuote} />
      )}
    </article>
  );
});

/** The name that is shown: a program may ask for another one than its account's. */
export function shownName(message: Message, author: User | undefined): string {
  return message.as?.name ?? displayName(author);
}

/** Who speaks is a program, and which: a name that it asks for is not its own. */
function Program({ id, message, author }: { id: string; message: Message; author: User | undefined }) {
  if (author?.bot !== true && message.as === undefined) return null;
  const own = displayName(author);
  return (
    <span id={id} class="program">
      <span class="tag">App</span>
      {shownName(message, author) !== own && <span class="via">{own}</span>}
    </span>
  );
}

function Time({ id, at, class: name, brief }: { id: string; at: string; class: string; brief?: boolean }) {
  return (
    <time id={id} class={name} dateTime={at} title={fullTime(at)}>
      {brief === true ? briefTime(at) : clockTime(at)}
    </time>
  );
}
