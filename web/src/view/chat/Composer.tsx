import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { MutableRef } from "preact/hooks";
import type { RefObject, TargetedKeyboardEvent } from "preact";
import { send, slashCalls, state, stoppedTyping, typed } from "../../app";
import { LIMITS } from "@parley/client";
import type { Message, SlashCommand, User } from "@parley/client";
import { channelTitle, lastOwn } from "@parley/client/state";
import type { ChannelState } from "@parley/client/state";
import { explain } from "../../explain";
import { parseSlash, runSlash } from "../../slash";
import { clean } from "../../text/clean";
import { draftOf, keepDraft, startEdit, toast } from "../../ui";
import { Icon } from "../base/Icon";
import { isTouch } from "../platform";
import { MentionMenu } from "./MentionMenu";
import { SlashMenu } from "./SlashMenu";
import { useMentions } from "./useMentions";
import { useSlash } from "./useSlash";
import { autosize, bytes, Counter } from "./textarea";

export interface ComposerHandle {
  quote: (message: Message) => void;
  onSent: () => void;
}

interface Props {
  channel: ChannelState;
  handle: RefObject<ComposerHandle>;
}

export function Composer({ channel, handle }: Props) {
  const { view } = channel;
  const [text, setText] = useState(() => draftOf(view.id));
  const box = useRef<HTMLTextAreaElement>(null);
  const mentions = useMentions(channel);
  const slash = useSlash(view.id);
  const tooLong = text.length * 3 > LIMITS.text_bytes && bytes(text) > LIMITS.text_bytes;
  const archived = view.archived_at !== undefined;

  useEffect(() => {
    if (!isTouch()) box.current?.focus({ preventScroll: true });
  }, []);

  useLayoutEffect(() => {
    if (box.current !== null) autosize(box.current);
  }, [text]);

  useLayoutEffect(() => {
    (handle as MutableRef<ComposerHandle>).current = { quote, onSent: handle.current?.onSent ?? (() => undefined) };
  });

  function change(next: string): void {
    if (next.length > text.length && next.trim() !== "") typed(view.id);
    setText(next);
    keepDraft(view.id, next);
  }

  function quote(message: Message): void {
    const quoted = (message.text ?? "").split("\n").map((line) => `> ${line}`);
    change(`${text === "" ? "" : `${text}\n`}${quoted.join("\n")}\n`);
    box.current?.focus();
  }

  function submit(): void {
    const body = clean(text);
    if (body === "" || tooLong) return;
    if (parseSlash(body) === null) sendMessage(body);
    else void command(body);
    stoppedTyping();
    setText("");
    keepDraft(view.id, "");
    mentions.close();
    slash.close();
    box.current?.focus();
  }

  function sendMessage(body: string): void {
    send(view.id, body);
    handle.current?.onSent();
  }

  /** What may be a command: a message if it is none of the channel's. What fails is there again to be corrected. */
  async function command(body: string): Promise<void> {
    const restore = () => {
      setText((now) => (now === "" ? body : now));
      if (draftOf(view.id) === "") keepDraft(view.id, body);
    };
    try {
      if (!(await runSlash(slashCalls, view.id, body, restore))) sendMessage(body);
    } catch (error) {
      toast(explain(error), "error");
      restore();
    }
  }

  function completeCommand({ command: word }: SlashCommand): void {
    slash.close();
    change(`/${word} `);
    box.current?.focus();
  }

  function complete(user: User): void {
    const element = box.current;
    if (element === null) return;
    const done = mentions.complete(text, element.selectionStart, user);
    change(done.text);
    requestAnimationFrame(() => element.setSelectionRange(done.caret, done.caret));
    element.focus();
  }

  function onKeyDown(event: TargetedKeyboardEvent<HTMLTextAreaElement>): void {
    if (event.isComposing) return;
    if (mentions.open && mentions.onKey(event.key, complete)) {
      event.preventDefault();
      event.stopPropagation();
    } else if (slash.open && slash.onKey(event.key, completeCommand)) {
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      submit();
    } else if (event.key === "ArrowUp" && text === "" && !event.altKey) {
      const last = lastOwn(state.value, channel);
      if (last === undefined) return;
      event.preventDefault();
      startEdit(last.id, "composer");
    }
  }

  if (archived) {
    return (
      <p class="composer-closed">
        <Icon name="archive" size={16} /> This channel is archived. It can be read, not written to.
      </p>
    );
  }

  const label = view.type === "dm" ? `Message ${channelTitle(channel, state.value)}` : `Message #${view.name}`;
  return (
    <form
      class={`composer${tooLong ? " too-long" : ""}`}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {mentions.open && <MentionMenu mentions={mentions} onChoose={complete} />}
      {slash.open && <SlashMenu slash={slash} onChoose={completeCommand} />}
      <textarea
        ref={box}
        rows={1}
        aria-label={label}
        placeholder={label}
        value={text}
        aria-autocomplete="list"
        aria-controls={mentions.open ? "mention-menu" : slash.open ? "slash-menu" : undefined}
        aria-activedescendant={mentions.open ? `mention-${mentions.index}` : slash.open ? `slash-${slash.index}` : undefined}
        enterkeyhint="send"
        onInput={(e) => {
          change(e.currentTarget.value);
          mentions.look(e.currentTarget.value, e.currentTarget.selectionStart);
          slash.look(e.currentTarget.value, e.currentTarget.selectionStart);
        }}
        onBlur={() => {
          mentions.close();
          slash.close();
        }}
        onKeyDown={onKeyDown}
      />
      <Counter text={text} limit={LIMITS.text_bytes} />
      <button type="submit" class="send" aria-label="Send" title="Send (Enter)" disabled={text.trim() === "" || tooLong}>
        <Icon name="send" size={20} />
      </button>
    </form>
  );
}
