import { useEffect, useRef, useState } from "preact/hooks";
import type { Hook } from "@parley/client";
import { emojiOf } from "../../text/emoji";
import { shortTime } from "../base/time";
import { EditHook } from "./EditHook";
import { HookFailures } from "./HookFailures";
import type { HookSettings } from "./hookDraft";

interface Props {
  hook: Hook;
  busy: boolean;
  save: (changes: Partial<HookSettings>) => Promise<void>;
  rotate: () => void;
  enable: (enabled: boolean) => void;
  remove: () => void;
}

/** What stands in the place of a row's buttons: its settings, or a question before what cannot be taken back. */
type Asked = "edit" | "rotate" | "delete";

export function HookRow({ hook, busy, save, rotate, enable, remove }: Props) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const [failures, setFailures] = useState(false);
  const actions = useReturn(asked, busy);
  const icon = emojiOf(hook.icon);
  const named = (what: string) => `${what} ${hook.name}`;

  return (
    <li class="hook">
      <div class="pick-text">
        <span class="option-name">
          {icon !== undefined && <span aria-hidden="true">{icon}</span>}
          {hook.name}
          <span class="tag">{KINDS[hook.kind]}</span>
          {!hook.enabled && <span class="tag off">Disabled</span>}
          {hook.enabled && hook.error !== undefined && <span class="tag failing">Failing</span>}
        </span>
        <span class="option-note wraps">{whatItDoes(hook)}</span>
        <span class="option-note wraps">{hook.used_at === undefined ? "Never used" : `Last used ${shortTime(hook.used_at)}`}</span>
        {hook.error !== undefined && (
          <span class="note error wraps">
            {hook.failed_at !== undefined && `${shortTime(hook.failed_at)}: `}
            {hook.error}
          </span>
        )}
      </div>
      {asked === "edit" && <EditHook hook={hook} save={save} close={() => setAsked(null)} />}
      {asked === null && (
        <div ref={actions} class="row-actions">
          <button type="button" class="button small" data-asks="edit" aria-label={named("Edit")} disabled={busy} onClick={() => setAsked("edit")}>
            Edit
          </button>
          <button type="button" class="button small" aria-label={named(hook.enabled ? "Disable" : "Enable")} disabled={busy} onClick={() => enable(!hook.enabled)}>
            {hook.enabled ? "Disable" : "Enable"}
          </button>
          <button type="button" class="button small" data-asks="rotate" aria-label={named("Replace secret of")} disabled={busy} onClick={() => setAsked("rotate")}>
            Replace secret
          </button>
          {hook.kind === "outgoing" && (
            <button type="button" class="button small" aria-label={named("Failures of")} aria-expanded={failures} onClick={() => setFailures(!failures)}>
              Failures
            </button>
          )}
          <button type="button" class="button small danger" data-asks="delete" aria-label={named("Delete")} disabled={busy} onClick={() => setAsked("delete")}>
            Delete
          </button>
        </div>
      )}
      {(asked === "rotate" || asked === "delete") && (
        <Sure
          text={asked === "delete" ? "What it wrote stays. It cannot be brought back." : "The present one is good no more, at once."}
          action={asked === "delete" ? named("Delete") : named("Replace secret of")}
          danger={asked === "delete"}
          cancel={() => setAsked(null)}
          run={() => {
            setAsked(null);
            if (asked === "delete") remove();
            else rotate();
          }}
        />
      )}
      {failures && <HookFailures hook={hook.id} />}
    </li>
  );
}

/** The place of the buttons. When they are back, so is the focus, on the one that was pressed, unless it went elsewhere. */
function useReturn(asked: Asked | null, busy: boolean) {
  const actions = useRef<HTMLDivElement>(null);
  const last = useRef<Asked | null>(null);

  useEffect(() => {
    if (asked !== null) last.current = asked;
    if (asked !== null || busy || last.current === null) return;
    const active = document.activeElement;
    if (active === null || active === document.body || active instanceof HTMLDialogElement)
      actions.current?.querySelector<HTMLElement>(`[data-asks="${last.current}"]`)?.focus();
    last.current = null;
  }, [asked, busy]);
  return actions;
}

function Sure({ text, action, danger, cancel, run }: { text: string; action: string; danger: boolean; cancel: () => void; run: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => button.current?.focus(), []);
  return (
    <div class="row-actions" role="group" aria-label={action}>
      <span class="option-note wraps">{text}</span>
      <button type="button" class="button small" onClick={cancel}>
        Cancel
      </button>
      <button ref={button} type="button" class={danger ? "button small danger-fill" : "button small primary"} onClick={run}>
        {action}
      </button>
    </div>
  );
}

const KINDS: Readonly<Record<Hook["kind"], string>> = { incoming: "Incoming", outgoing: "Outgoing", slash: "Slash command" };

function whatItDoes(hook: Hook): string {
  const to = hook.url === undefined ? "" : ` to ${hook.url}`;
  if (hook.kind === "incoming") return "Programs post into the channel";
  if (hook.kind === "slash") return `/${hook.command ?? ""}${to}`;
  const only = hook.trigger === undefined ? "" : `, messages that begin with “${hook.trigger}”`;
  return `${(hook.events ?? []).join(", ")}${only}${to}`;
}
