import { useEffect, useState } from "preact/hooks";
import { call } from "../../app";
import type { HookFailure, Id } from "@parley/client";
import { Problem } from "../base/Problem";
import { shortTime } from "../base/time";
import { useAction } from "../base/useAction";

/** What an outgoing webhook could not deliver. */
export function HookFailures({ hook }: { hook: Id }) {
  const [failures, setFailures] = useState<readonly HookFailure[] | null>(null);
  const [next, setNext] = useState<string | undefined>(undefined);
  const action = useAction();

  async function load(cursor?: string): Promise<void> {
    const page = await call("hook.failures", { hook, ...(cursor === undefined ? {} : { cursor }) });
    setFailures((before) => (cursor === undefined ? page.failures : [...(before ?? []), ...page.failures]));
    setNext(page.next_cursor);
  }
  useEffect(() => action.run(() => load()), [hook]);

  function redeliver(failure: HookFailure): void {
    action.run(async () => {
      const { failure: now } = await call("hook.redeliver", { hook, seq: failure.seq });
      setFailures((before) => before?.map((f) => (f.seq === now.seq ? now : f)) ?? null);
    });
  }

  return (
    <div class="hook-failures">
      <Problem text={action.error} />
      {failures?.length === 0 && <p class="option-note">Everything was delivered.</p>}
      <ul aria-label="Events that could not be delivered">
        {failures?.map((failure) => (
          <li key={failure.seq}>
            <span class="pick-text">
              <span class="option-name">
                {failure.event} <span class="option-note">{shortTime(failure.at)}</span>
              </span>
              <span class="option-note wraps">
                {failure.error} ({failure.attempts === 1 ? "one attempt" : `${failure.attempts} attempts`})
              </span>
            </span>
            {failure.due ? (
              <span class="tag">Being delivered</span>
            ) : (
              <button type="button" class="button small" aria-label={`Deliver again: ${failure.event}, ${shortTime(failure.at)}`} disabled={action.busy} onClick={() => redeliver(failure)}>
                Deliver again
              </button>
            )}
          </li>
        ))}
      </ul>
      <div class="row-actions">
        <button type="button" class="button small" disabled={action.busy} onClick={() => action.run(() => load())}>
          Look again
        </button>
        {next !== undefined && (
          <button type="button" class="button small" disabled={action.busy} onClick={() => action.run(() => load(next))}>
            Show more
          </button>
        )}
      </div>
    </div>
  );
}
