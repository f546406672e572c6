import { CallError } from "@parley/client";
import { useRef, useState } from "preact/hooks";
import { explain } from "../../explain";

export interface ActionState {
  busy: boolean;
  error: string | null;
  /** The parameter the server complained about. */
  field: string | null;
  run(act: () => Promise<void>): void;
  clear(): void;
}

/** Runs one thing at a time and keeps what went wrong, in words. */
export function useAction(words: (error: unknown) => string = explain): ActionState {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<{ error: string; field: string | null } | null>(null);
  const running = useRef(false);

  function run(act: () => Promise<void>): void {
    if (running.current) return;
    running.current = true;
    setBusy(true);
    setFailure(null);
    act()
      .catch((error: unknown) => {
        const field = error instanceof CallError ? (error.data.field ?? null) : null;
        setFailure({ error: words(error), field });
      })
      .finally(() => {
        running.current = false;
        setBusy(false);
      });
  }

  return {
    busy,
    error: failure?.error ?? null,
    field: failure?.field ?? null,
    run,
    clear: () => setFailure(null),
  };
}
