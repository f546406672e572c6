import { useId } from "preact/hooks";
import type { TargetedKeyboardEvent } from "preact";

interface Props {
  label: string;
  value: string;
  onInput: (value: string) => void;
  type?: "text" | "password" | "search" | "number";
  autocomplete?: string;
  hint?: string;
  error?: string;
  required?: boolean;
  maxLength?: number;
  minLength?: number;
  pattern?: string;
  autofocus?: boolean;
  placeholder?: string;
  onKeyDown?: (event: TargetedKeyboardEvent<HTMLInputElement>) => void;
}

export function Field(props: Props) {
  const id = useId();
  const note = props.error ?? props.hint;
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <input
        id={id}
        type={props.type ?? "text"}
        value={props.value}
        onInput={(e) => props.onInput(e.currentTarget.value)}
        onKeyDown={props.onKeyDown}
        autocomplete={props.autocomplete ?? "off"}
        autocapitalize="none"
        spellcheck={false}
        required={props.required}
        maxLength={props.maxLength}
        minLength={props.minLength}
        pattern={props.pattern}
        placeholder={props.placeholder}
        autofocus={props.autofocus}
        aria-invalid={props.error !== undefined}
        aria-describedby={note === undefined ? undefined : `${id}-note`}
      />
      {note !== undefined && (
        <p id={`${id}-note`} class={props.error === undefined ? "note" : "note error"}>
          {note}
        </p>
      )}
    </div>
  );
}
