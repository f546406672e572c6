import { useEffect, useRef, useState } from "preact/hooks";
import { call, dispatch, state } from "../../app";
import type { Hook, HookCreated, Id } from "@parley/client";
import { Copyable } from "../base/Copyable";
import { Dialog } from "../base/Dialog";
import { Problem } from "../base/Problem";
import { useAction } from "../base/useAction";
import { HookRow } from "./HookRow";
import { NewHook } from "./NewHook";

/** The webhooks and slash commands of a channel, for its moderators. */
export function ChannelHooks({ channel: id }: { channel: Id }) {
  const view = state.value.channels[id]?.view;
  const [hooks, setHooks] = useState<readonly Hook[] | null>(null);
  const [made, setMade] = useState<HookCreated | null>(null);
  const action = useAction();

  async function refresh(): Promise<void> {
    const found = await call("hook.list", { channel: id });
    dispatch({ type: "users/learned", users: found.users });
    setHooks(found.hooks);
  }
  useEffect(() => action.run(refresh), [id]);

  /** Does something to a hook, and shows how things are then. */
  function change(act: () => Promise<HookCreated | undefined>, done?: () => void): void {
    action.run(async () => {
      const secret = await act();
      done?.();
      setMade(secret ?? null);
      await refresh();
    });
  }

  return (
    <Dialog title={`Integrations of #${view?.name ?? ""}`} wide>
      <div class="hooks">
        <p class="muted">Webhooks and slash commands bring programs into the channel. Each posts as an app of its own.</p>
        <Problem text={action.error} />
        {made !== null && <Secret made={made} />}
        {hooks?.length === 0 && <p class="muted">There are none yet.</p>}
        <ul class="pick-list" aria-label="Webhooks and slash commands">
          {hooks?.map((hook) => (
            <HookRow
              key={hook.id}
              hook={hook}
              busy={action.busy}
              save={async (changes) => {
                await call("hook.update", { hook: hook.id, ...changes });
                await refresh();
              }}
              rotate={() => change(() => call("hook.rotate", { hook: hook.id }))}
              enable={(enabled) =>
                change(async () => {
                  await call("hook.update", { hook: hook.id, enabled });
                  return undefined;
                })
              }
              remove={() =>
                change(async () => {
                  await call("hook.delete", { hook: hook.id });
                  return undefined;
                })
              }
            />
          ))}
        </ul>
        <NewHook busy={action.busy} create={(params, done) => change(() => call("hook.create", { channel: id, ...params }), done)} />
      </div>
    </Dialog>
  );
}

function Secret({ made }: { made: HookCreated }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    box.current?.scrollIntoView({ block: "nearest" }); // the form that made it may be far below
  }, [made]);
  return (
    <div ref={box} class="hook-secret" role="status">
      <p>
        {made.path === undefined
          ? `Requests of ${made.hook.name} are signed with this. Copy it now: it is not shown again.`
          : `Programs post to this address of ${made.hook.name}. Copy it now: it is not shown again.`}
      </p>
      {made.path === undefined ? (
        <Copyable label="Signing secret" text={made.secret} />
      ) : (
        <Copyable label="Address" text={new URL(made.path, location.href).href} />
      )}
    </div>
  );
}
