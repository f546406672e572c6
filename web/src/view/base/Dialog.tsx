import { useEffect, useId, useRef } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { dialog } from "../../ui";
import { IconButton } from "./IconButton";

interface Props {
  title: string;
  children: ComponentChildren;
  wide?: boolean;
  /** The heading is there for readers only. */
  quiet?: boolean;
}

export function closeDialog(): void {
  dialog.value = null;
}

/** A modal over the browser's own dialog element, which keeps the focus in and makes the rest inert. */
export function Dialog({ title, children, wide, quiet }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  const heading = useId();

  useEffect(() => {
    const element = ref.current;
    const cameFrom = document.activeElement;
    element?.showModal();
    element?.querySelector<HTMLElement>("[autofocus]")?.focus();
    return () => {
      element?.close();
      const back = cameFrom instanceof HTMLElement && cameFrom.isConnected ? cameFrom : null;
      (back ?? document.querySelector<HTMLElement>(".composer textarea"))?.focus({ preventScroll: true });
    };
  }, []);

  return (
    <dialog
      ref={ref}
      class={`dialog${wide === true ? " wide" : ""}${quiet === true ? " quiet" : ""}`}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        closeDialog();
      }}
      onPointerDown={(event) => {
        if (event.target === ref.current) closeDialog();
      }}
    >
      <div class="dialog-box">
        <div class={quiet === true ? "visually-hidden" : "dialog-head"}>
          <h2 id={heading}>{title}</h2>
          {quiet !== true && <IconButton icon="x" label="Close" onClick={closeDialog} />}
        </div>
        {children}
      </div>
    </dialog>
  );
}
