import { useState } from "preact/hooks";
import { closeDialog, Dialog } from "../base/Dialog";

interface Props {
  title: string;
  text: string;
  action: string;
  danger: boolean;
  run: () => Promise<void> | void;
}

export function Confirm({ title, text, action, danger, run }: Props) {
  const [busy, setBusy] = useState(false);
  return (
    <Dialog title={title}>
      <p class="confirm-text">{text}</p>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={closeDialog}>
          Cancel
        </button>
        <button
          type="button"
          class={danger ? "button danger-fill" : "button primary"}
          autofocus
          disabled={busy}
          onClick={() => {
            setBusy(true);
            void Promise.resolve(run()).finally(closeDialog);
          }}
        >
          {action}
        </button>
      </div>
    </Dialog>
  );
}
