import { useEffect, useRef, useState } from "preact/hooks";
import { editMessage } from "../../app";
import { LIMITS } from "@parley/client";
import type { Message } from "@parley/client";
import { clean } from "../../text/clean";
import { endEdit } from "../../ui";
import { useAction } from "../base/useAction";
import { autosize, bytes, Counter } from "./textarea";
import { askDelete } from "./MessageTools";

export function EditBox({ message }: { message: Message }) {
  const [text, setText] = useState(message.text ?? "");
  const box = useRef<HTMLTextAreaElement>(null);
  const action = useAction();
  const limit = LIMITS.text_bytes;

  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    autosize(element);
    element.focus();
    element.setSelectionRange(element.value.length, element.value.length);
    return undefined;
  }, []);

  function close(): void {
    const row = box.current?.closest<HTMLElement>("article");
    if (endEdit() === "row") row?.focus({ preventScroll: true });
    else document.querySelector<HTMLElement>(".composer textarea")?.focus();
  }

  function save(): void {
    const next = clean(text);
    if (next === (message.text ?? "")) close();
    else if (next === "") askDelete(message);
    else if (bytes(next) <= limit) {
      action.run(async () => {
        await editMessage(message, next);
        close();
      });
    }
  }

  return (
    <div class="edit-box">
      <textarea
        ref={box}
        aria-label="Edit message"
        rows={1}
        value={text}
        onInput={(e) => {
          setText(e.currentTarget.value);
          autosize(e.currentTarget);
        }}
        onKeyDown={(e) => {
          if (e.key === "Escape") {
            e.preventDefault();
            e.stopPropagation();
            close();
          } else if (e.key === "Enter" && !e.shiftKey && !e.isComposing) {
            e.preventDefault();
            save();
          }
        }}
      />
      <div class="edit-actions">
        <Counter text={text} limit={limit} />
        {action.error !== null && (
          <span class="note error" role="alert">
            {action.error}
          </span>
        )}
        <button type="button" class="button small" onClick={close}>
          Cancel
        </button>
        <button type="button" class="button small primary" disabled={action.busy || bytes(text) > limit} onClick={save}>
          Save
        </button>
      </div>
    </div>
  );
}
