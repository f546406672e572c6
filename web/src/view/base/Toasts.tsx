import { dismissToast, spoken, toasts } from "../../ui";
import { IconButton } from "./IconButton";

export function Toasts() {
  return (
    <div class="toasts" role="status">
      {toasts.value.map((t) => (
        <div key={t.id} class={`toast ${t.tone}`}>
          <span>{t.text}</span>
          <IconButton icon="x" label="Dismiss" onClick={() => dismissToast(t.id)} />
        </div>
      ))}
    </div>
  );
}

/** What a screen reader hears of new messages; the log itself stays silent, or scrolling would be read out. */
export function Announcer() {
  return (
    <div class="visually-hidden" aria-live="polite" data-testid="announcer">
      {spoken.value}
    </div>
  );
}
