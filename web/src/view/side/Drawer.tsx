import { useEffect, useRef } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { drawerOpen } from "../../ui";

/** The first column; on a narrow screen it slides in over the conversation. */
export function Drawer({ children }: { children: ComponentChildren }) {
  const ref = useRef<HTMLDivElement>(null);
  const open = drawerOpen.value;

  useEffect(() => {
    if (!open) return undefined;
    const cameFrom = document.activeElement;
    ref.current?.querySelector<HTMLElement>("a[aria-current], button")?.focus();
    return () => {
      if (cameFrom instanceof HTMLElement && cameFrom.isConnected) cameFrom.focus({ preventScroll: true });
    };
  }, [open]);

  return (
    <>
      <div class={`side${open ? " open" : ""}`} ref={ref}>
        {children}
      </div>
      {open && (
        <button type="button" class="scrim" aria-label="Close the list of channels" onClick={() => (drawerOpen.value = false)} />
      )}
    </>
  );
}
