import type { TargetedMouseEvent } from "preact";
import { Icon } from "./Icon";
import type { IconName } from "./Icon";

interface Props {
  icon: IconName;
  label: string;
  onClick: (event: TargetedMouseEvent<HTMLButtonElement>) => void;
  hint?: string;
  pressed?: boolean;
  danger?: boolean;
  class?: string;
}

export function IconButton({ icon, label, onClick, hint, pressed, danger, class: extra }: Props) {
  return (
    <button
      type="button"
      class={`icon-button${danger === true ? " danger" : ""} ${extra ?? ""}`}
      aria-label={label}
      aria-pressed={pressed}
      title={hint === undefined ? label : `${label} (${hint})`}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}
