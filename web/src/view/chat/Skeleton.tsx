import { useEffect, useState } from "preact/hooks";

const WIDTHS = [62, 84, 46, 71, 90, 55, 78, 40];

/** Grey rows in place of messages, not before 150 ms: most loads are over by then. */
export function Skeleton({ rows = 8, at = "page" }: { rows?: number; at?: "page" | "row" }) {
  const [late, setLate] = useState(at === "row");
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 150);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class={`skeletons ${at}`} aria-busy="true">
      {late && <span class="visually-hidden">Loading messages</span>}
      {late &&
        WIDTHS.slice(0, rows).map((width, i) => (
          <div key={i} class="skeleton" aria-hidden="true">
            <i class="skeleton-face" />
            <span>
              <i class="skeleton-name" />
              <i class="skeleton-text" style={{ width: `${width}%` }} />
            </span>
          </div>
        ))}
    </div>
  );
}
