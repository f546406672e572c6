import { useEffect, useState } from "preact/hooks";
import { parley, status } from "../app";
import { Icon } from "./base/Icon";

const PATIENCE_MS = 700;

/** Says so when the server is away. A short hiccup is not worth a word. */
export function ConnectionBar() {
  const now = status.value;
  const away = now.kind !== "online";
  const [shown, setShown] = useState(false);

  useEffect(() => {
    if (!away) {
      setShown(false);
      return undefined;
    }
    const timer = setTimeout(() => setShown(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [away]);

  return (
    <div class="bar-place" role="status">
      {away && shown && (
        <div class="bar">
          <Icon name="cloud" size={16} />
          <span>{words(now.kind === "waiting" ? now.why : "lost")}</span>
          {now.kind === "waiting" ? (
            <button type="button" class="bar-button" onClick={() => parley.nudge()}>
              Try now
            </button>
          ) : (
            <span class="bar-note">Connecting…</span>
          )}
        </div>
      )}
    </div>
  );
}

function words(why: "lost" | "draining" | "limited"): string {
  if (why === "draining") return "The server is restarting. Messages will be sent when it is back.";
  if (why === "limited") return "The server asked for a pause. Messages will be sent after it.";
  return "Offline. Messages will be sent when you are back.";
}
