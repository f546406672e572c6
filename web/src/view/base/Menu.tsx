import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";

export interface MenuItem {
  label: string;
  run: () => void;
  checked?: boolean;
  danger?: boolean;
  icon?: ComponentChildren;
}

interface Props {
  label: string;
  trigger: ComponentChildren;
  items: readonly (MenuItem | "line")[];
  heading?: ComponentChildren;
  class?: string;
}

/** A button with a menu: arrow keys move, Enter chooses, Esc closes and goes back to the button. */
export function Menu({ label, trigger, items, heading, class: extra }: Props) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();

  useEffect(() => {
    if (!open) return undefined;
    entries(root.current)[0]?.focus();
    const outside = (event: PointerEvent) => {
      if (event.target instanceof Node && root.current?.contains(event.target) !== true) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [open]);

  function close(): void {
    setOpen(false);
    button.current?.focus();
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (!open) return;
    const all = entries(root.current);
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) all[(to + all.length) % all.length]?.focus();
    else if (event.key === "Escape") close();
    else if (event.key === "Tab") setOpen(false);
    else return;
    if (event.key !== "Tab") event.preventDefault();
    event.stopPropagation();
  }

  return (
    <div class={`menu-root ${extra ?? ""}`} ref={root} onKeyDown={onKeyDown}>
      <button
        ref={button}
        type="button"
        class="menu-button"
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        title={label}
        onClick={() => setOpen(!open)}
      >
        {trigger}
      </button>
      {open && (
        <div class="menu">
          {heading}
          <div id={id} role="menu" aria-label={label}>
            {items.map((item, i) => (item === "line" ? <div key={i} role="separator" class="menu-line" /> : entry(item)))}
          </div>
        </div>
      )}
    </div>
  );

  function entry(item: MenuItem) {
    return (
      <button
        key={item.label}
        type="button"
        role={item.checked === undefined ? "menuitem" : "menuitemradio"}
        aria-checked={item.checked}
        tabIndex={-1}
        class={item.danger === true ? "menu-item danger" : "menu-item"}
        onClick={() => {
          close();
          item.run();
        }}
      >
        <span class="menu-icon">{item.icon}</span>
        {item.label}
        {item.checked === true && <span class="menu-check" aria-hidden="true">✓</span>}
      </button>
    );
  }
}

function entries(root: HTMLElement | null): HTMLElement[] {
  return Array.from(root?.querySelectorAll<HTMLElement>('[role^="menuitem"]') ?? []);
}
