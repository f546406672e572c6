import { useEffect, useRef, useState } from "preact/hooks";
import { explain } from "../../explain";

const PAUSE_MS = 120;

export interface Search<T> {
  query: string;
  setQuery: (query: string) => void;
  found: readonly T[];
  /** An answer is there for what is typed now. */
  done: boolean;
  error: string | null;
}

/** Asks while one types, a moment after the last key; only the newest question's answer counts. */
export function useSearch<T>(ask: (query: string) => Promise<readonly T[]>): Search<T> {
  const [query, setQuery] = useState("");
  const [found, setFound] = useState<readonly T[]>([]);
  const [done, setDone] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const asking = useRef(ask);
  asking.current = ask;

  useEffect(() => {
    let live = true;
    setDone(false);
    const timer = setTimeout(
      () => {
        asking
          .current(query.trim())
          .then((result) => {
            if (!live) return;
            setFound(result);
            setError(null);
          })
          .catch((e: unknown) => {
            if (live) setError(explain(e));
          })
          .finally(() => {
            if (live) setDone(true);
          });
      },
      query === "" ? 0 : PAUSE_MS,
    );
    return () => {
      live = false;
      clearTimeout(timer);
    };
  }, [query]);

  return { query, setQuery, found, done, error };
}
