import { toast } from "../../ui";

/** A text that is there to be taken elsewhere. */
export function Copyable({ label, text }: { label: string; text: string }) {
  return (
    <div class="new-link">
      <input readOnly aria-label={label} value={text} onFocus={(e) => e.currentTarget.select()} />
      {"clipboard" in navigator && (
        <button
          type="button"
          class="button"
          onClick={() => {
            navigator.clipboard.writeText(text).then(
              () => toast("Copied."),
              () => toast("The browser did not allow copying.", "error"),
            );
          }}
        >
          Copy
        </button>
      )}
    </div>
  );
}
