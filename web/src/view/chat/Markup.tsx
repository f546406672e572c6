import type { ComponentChild } from "preact";
import { state } from "../../app";
import { displayName } from "@parley/client/state";
import { isEmojiOnly, parse } from "../../text/markup";
import type { Block, Inline } from "../../text/markup";
import { pure } from "../base/pure";

/** A message's text as elements. Everything is a text node or an element made here: no HTML is ever set. */
export const Markup = pure(({ text }: { text: string }) => {
  if (isEmojiOnly(text.trim())) return <p class="emoji-only">{text.trim()}</p>;
  return <>{parse(text).map(block)}</>;
});

function block(b: Block, key: number): ComponentChild {
  switch (b.kind) {
    case "paragraph":
      return <p key={key}>{lines(b.lines)}</p>;
    case "quote":
      return <blockquote key={key}>{b.blocks.map(block)}</blockquote>;
    case "code":
      return (
        <pre key={key} tabIndex={0} aria-label="Code">
          <code>{b.text}</code>
        </pre>
      );
    case "list": {
      const items = b.items.map((item, i) => <li key={i}>{item.map(inline)}</li>);
      return b.ordered ? (
        <ol key={key} start={b.start}>
          {items}
        </ol>
      ) : (
        <ul key={key}>{items}</ul>
      );
    }
  }
}

function lines(all: Inline[][]): ComponentChild {
  return all.flatMap((line, i) => (i === 0 ? line.map(inline) : [<br key={`br${i}`} />, ...line.map(inline)]));
}

function inline(node: Inline, key: number): ComponentChild {
  switch (node.kind) {
    case "text":
      return node.text;
    case "code":
      return <code key={key}>{node.text}</code>;
    case "link":
      return (
        <a key={key} href={node.href} target="_blank" rel="noopener noreferrer nofollow">
          {node.text}
        </a>
      );
    case "mention":
      return <Mention key={key} name={node.name} />;
    case "strong":
      return <strong key={key}>{node.children.map(inline)}</strong>;
    case "em":
      return <em key={key}>{node.children.map(inline)}</em>;
    case "strike":
      return <s key={key}>{node.children.map(inline)}</s>;
  }
}

function Mention({ name }: { name: string }) {
  const user = Object.values(state.value.users).find((u) => u.name === name.toLowerCase());
  if (user === undefined) return <>@{name}</>;
  const mine = user.id === state.value.me?.id;
  return (
    <span class={mine ? "mention mine" : "mention"} title={`@${user.name}`}>
      @{displayName(user)}
    </span>
  );
}
