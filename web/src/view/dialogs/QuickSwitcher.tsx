import { useEffect, useRef, useState } from "preact/hooks";
import { call, joinChannel, openChannel, openDirect, state } from "../../app";
import type { ListedChannel, User } from "@parley/client";
import { explain } from "../../explain";
import { badge, channelTitle, displayName, others } from "@parley/client/state";
import type { ChannelState } from "@parley/client/state";
import { toast } from "../../ui";
import { Avatar } from "../base/Avatar";
import { closeDialog, Dialog } from "../base/Dialog";
import { Icon } from "../base/Icon";
import { useSearch } from "./useSearch";

type Target =
  | { kind: "open"; key: string; channel: ChannelState }
  | { kind: "join"; key: string; channel: ListedChannel }
  | { kind: "person"; key: string; user: User };

const SHOWN = 12;

export function QuickSwitcher() {
  const search = useSearch<Target>(askServer);
  const [index, setIndex] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const targets = merge(local(search.query), search.found).slice(0, SHOWN);
  const at = Math.min(index, Math.max(0, targets.length - 1));

  useEffect(() => setIndex(0), [search.query]);
  useEffect(() => {
    list.current?.children[at]?.scrollIntoView({ block: "nearest" });
  }, [at]);

  function choose(target: Target | undefined): void {
    if (target === undefined) return;
    closeDialog();
    go(target).catch((e: unknown) => toast(explain(e), "error"));
  }

  return (
    <Dialog title="Go to a channel or person" quiet>
      <div class="switcher">
        <div class="switcher-input">
          <Icon name="search" />
          <input
            type="text"
            role="combobox"
            aria-expanded={targets.length > 0}
            aria-controls="switcher-list"
            aria-activedescendant={targets.length > 0 ? `switch-${at}` : undefined}
            aria-autocomplete="list"
            aria-label="Channel or person"
            placeholder="Where to?"
            autocomplete="off"
            spellcheck={false}
            autofocus
            value={search.query}
            onInput={(e) => search.setQuery(e.currentTarget.value)}
            onKeyDown={(e) => {
              if (e.key === "ArrowDown") setIndex((at + 1) % Math.max(1, targets.length));
              else if (e.key === "ArrowUp") setIndex((at - 1 + targets.length) % Math.max(1, targets.length));
              else if (e.key === "Enter") choose(targets[at]);
              else return;
              e.preventDefault();
            }}
          />
        </div>
        <ul id="switcher-list" class="switcher-list" role="listbox" aria-label="Places" ref={list}>
          {targets.map((target, i) => (
            <li
              key={target.key}
              id={`switch-${i}`}
              role="option"
              aria-selected={i === at}
              onPointerMove={() => setIndex(i)}
              onClick={() => choose(target)}
            >
              <TargetRow target={target} />
            </li>
          ))}
        </ul>
        {targets.length === 0 && search.done && <p class="empty-note">Nothing goes by that name.</p>}
      </div>
    </Dialog>
  );
}

function TargetRow({ target }: { target: Target }) {
  if (target.kind === "person") {
    return (
      <>
        <Avatar user={target.user} id={target.user.id} size="small" />
        <span class="option-name">{displayName(target.user)}</span>
        <span class="option-note">@{target.user.name}</span>
      </>
    );
  }
  if (target.kind === "join") {
    return (
      <>
        <Icon name="hash" size={16} />
        <span class="option-name">{target.channel.name}</span>
        <span class="option-note">Join</span>
      </>
    );
  }
  const { channel } = target;
  const people = channel.view.type === "dm" ? others(channel, state.value.me?.id) : [];
  const only = people.length === 1 ? people[0] : undefined;
  const count = badge(channel);
  return (
    <>
      {only === undefined ? (
        <Icon name={channel.view.type === "dm" ? "users" : channel.view.type === "private" ? "lock" : "hash"} size={16} />
      ) : (
        <Avatar user={state.value.users[only.id] ?? only} id={only.id} size="small" />
      )}
      <span class={channel.view.unread > 0 ? "option-name strong" : "option-name"}>{channelTitle(channel, state.value)}</span>
      <span class="option-note">{channel.view.topic}</span>
      {count > 0 && <span class="badge">{count}</span>}
    </>
  );
}

function local(query: string): Target[] {
  const wanted = query.trim().toLowerCase().replace(/^[#@]/, "");
  return Object.values(state.value.channels)
    .filter((c) => c.view.archived_at === undefined)
    .map((channel) => ({ channel, score: score(channelTitle(channel, state.value).toLowerCase(), wanted) }))
    .filter((c) => c.score > 0)
    .sort((a, b) => b.score - a.score || rank(b.channel) - rank(a.channel) || title(a.channel).localeCompare(title(b.channel)))
    .map(({ channel }) => ({ kind: "open" as const, key: `o:${channel.view.id}`, channel }));
}

function title(channel: ChannelState): string {
  return channelTitle(channel, state.value);
}

function rank(channel: ChannelState): number {
  return badge(channel) > 0 ? 2 : channel.view.unread > 0 ? 1 : 0;
}

function score(name: string, wanted: string): number {
  if (wanted === "") return 1;
  if (name.startsWith(wanted)) return 3;
  if (name.split(/[\s._-]+/).some((word) => word.startsWith(wanted))) return 2;
  return name.includes(wanted) ? 1 : 0;
}

async function askServer(query: string): Promise<Target[]> {
  const wanted = query.replace(/^[#@]/, "");
  if (wanted === "") return [];
  const [people, channels] = await Promise.all([
    call("user.list", { query: wanted, limit: 8 }),
    call("channel.list", { query: wanted, limit: 8 }),
  ]);
  return [
    ...people.users.map((user) => ({ kind: "person" as const, key: `p:${user.id}`, user })),
    ...channels.channels
      .filter((c) => !c.joined && c.archived_at === undefined)
      .map((channel) => ({ kind: "join" as const, key: `j:${channel.id}`, channel })),
  ];
}

/** People one already writes to appear once, as the conversation. */
function merge(here: Target[], there: readonly Target[]): Target[] {
  const me = state.value.me?.id;
  const alone = new Set(
    here.flatMap((t) => {
      if (t.kind !== "open" || t.channel.view.type !== "dm") return [];
      const people = others(t.channel, me);
      return people.length === 1 ? people.map((u) => u.id) : [];
    }),
  );
  return [...here, ...there.filter((t) => t.kind !== "person" || !alone.has(t.user.id))];
}

async function go(target: Target): Promise<void> {
  if (target.kind === "open") openChannel(target.channel.view.id);
  else if (target.kind === "join") await joinChannel(target.channel.id);
  else await openDirect([target.user.id]);
}
