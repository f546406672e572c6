import { deleteMessage } from "../../app";
import type { Message } from "@parley/client";
import { plain } from "../../text/markup";
import { dialog, startEdit, toast } from "../../ui";
import { IconButton } from "../base/IconButton";

interface Props {
  message: Message;
  mayEdit: boolean;
  mayDelete: boolean;
  onQuote: (message: Message) => void;
}

// Not there on a page served over plain HTTP from another machine.
const canCopy = typeof navigator !== "undefined" && "clipboard" in navigator;

export function MessageTools({ message, mayEdit, mayDelete, onQuote }: Props) {
  return (
    <div class="tools" role="group" aria-label="Actions for this message">
      <IconButton icon="quote" label="Quote" onClick={() => onQuote(message)} />
      {canCopy && <IconButton icon="copy" label="Copy text" onClick={() => copy(message.text ?? "")} />}
      {mayEdit && <IconButton icon="pencil" label="Edit" hint="E" onClick={() => startEdit(message.id, "row")} />}
      {mayDelete && (
        <IconButton icon="trash" label="Delete" hint="Del" danger onClick={() => askDelete(message)} />
      )}
    </div>
  );
}

function copy(text: string): void {
  navigator.clipboard.writeText(text).then(
    () => toast("Copied."),
    () => toast("The browser did not allow copying.", "error"),
  );
}

export function askDelete(message: Message): void {
  const text = plain(message.text ?? "");
  dialog.value = {
    kind: "confirm",
    title: "Delete this message?",
    text: text.length > 140 ? `${text.slice(0, 140)}…` : text,
    action: "Delete",
    danger: true,
    run: () => deleteMessage(message),
  };
}
