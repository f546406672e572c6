import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { JSX, RefObject, TargetedKeyboardEvent } from "preact";
import { dispatch, loadLatest, loadNewer, loadOlder, loads, needUser, seen, state } from "../../app";
import type { Id, Message } from "@parley/client";
import { buildRows } from "../../list/rows";
import type { Row } from "../../list/rows";
import { VirtualList } from "../../list/VirtualList";
import type { Place } from "../../list/VirtualList";
import { channelTitle, mayDelete, mayEdit } from "@parley/client/state";
import type { ChannelState } from "@parley/client/state";
import { editing, startEdit } from "../../ui";
import { Icon } from "../base/Icon";
import { dayName } from "../base/time";
import { ChannelStart } from "./ChannelStart";
import type { ComposerHandle } from "./Composer";
import { MessageRow } from "./MessageRow";
import { askDelete } from "./MessageTools";
import { PendingRow } from "./PendingRow";
import { Skeleton } from "./Skeleton";

const DIVIDER_TOP = 140;
/** Where each channel was left: coming back is coming back to the same line. */
const places = new Map<Id, Place>();

interface Props {
  channel: ChannelState;
  composer: RefObject<ComposerHandle>;
}

export function MessageLog({ channel, composer }: Props) {
  const { view, window, pending, divider } = channel;
  const id = view.id;
  const list = useRef<VirtualList>(null);
  const lastSeen = useRef(0);
  const [hovered, setHovered] = useState<string | null>(null);
  const [focused, setFocused] = useState<string | null>(null);
  const [pointing, setPointing] = useState(false);
  const [far, setFar] = useState(false);
  const me = state.value.me;
  const meId = me?.id ?? "";

  const rows = useMemo(
    () => (window === null ? [] : buildRows({ window, pending, divider, me: meId })),
    [window, pending, divider, meId],
  );

  useEffect(() => {
    const onFocus = () => seen(id, lastSeen.current);
    globalThis.addEventListener("focus", onFocus);
    return () => globalThis.removeEventListener("focus", onFocus);
  }, [id]);

  useEffect(() => {
    if (composer.current === null) return;
    composer.current.onSent = () => list.current?.scrollToEnd();
  });

  if (window === null) return <Waiting channel={id} />;

  async function toLatest(): Promise<void> {
    if (window?.moreAfter === true) await loadLatest(id);
    list.current?.scrollToEnd();
  }

  function onSeen(row: Row, below: number): void {
    if (row.kind === "message") lastSeen.current = row.message.seq;
    else if (row.kind === "pending") lastSeen.current = window?.messages.at(-1)?.seq ?? 0;
    seen(id, lastSeen.current);
    setFar(below > 6);
  }

  function onKeyDown(event: TargetedKeyboardEvent<HTMLDivElement>): void {
    if (event.target instanceof HTMLTextAreaElement || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = rowKey(event.target);
    const row = rows.find((r) => r.key === key);
    const message = row?.kind === "message" ? row.message : undefined;
    if (event.key === "ArrowUp" || event.key === "ArrowDown") moveFocus(key, event.key === "ArrowUp" ? -1 : 1);
    else if (message !== undefined && event.key.toLowerCase() === "e" && mayEdit(state.value, message)) {
      startEdit(message.id, "row");
    } else if (message !== undefined && event.key === "Delete" && mayDelete(state.value, channel, message)) {
      askDelete(message);
    } else return;
    event.preventDefault();
  }

  function moveFocus(from: string | null, by: 1 | -1): void {
    const stops = rows.filter((r) => r.kind === "message" || r.kind === "pending");
    const at = stops.findIndex((r) => r.key === from);
    const next = at < 0 ? stops.at(-1) : stops[at + by];
    const row = next === undefined ? undefined : list.current?.elementOf(next.key);
    const article = row?.querySelector<HTMLElement>("article");
    article?.focus({ preventScroll: true });
    article?.scrollIntoView({ block: "nearest" });
  }

  function renderRow(row: Row): JSX.Element {
    switch (row.kind) {
      case "start":
        return <ChannelStart channel={channel} />;
      case "older":
      case "newer":
        return <Skeleton rows={2} at="row" />;
      case "day":
        return (
          <div class="day">
            <span>{dayName(row.at)}</span>
          </div>
        );
      case "new":
        return (
          <div class="new">
            <span>New</span>
          </div>
        );
      case "pending":
        return me === null ? <div /> : <PendingRow pending={row.pending} me={me} grouped={row.grouped} />;
      case "message":
        return renderMessage(row.key, row.message, row.grouped);
    }
  }

  function renderMessage(key: string, message: Message, grouped: boolean): JSX.Element {
    const author = state.value.users[message.author];
    for (const id of [message.author, ...(message.mentions ?? [])]) void needUser(id);
    return (
      <MessageRow
        message={message}
        author={author}
        grouped={grouped}
        active={key === active}
        editing={editing.value === message.id}
        mentionsMe={message.mentions?.includes(meId) === true && message.deleted_at === undefined}
        mayEdit={mayEdit(state.value, message)}
        mayDelete={mayDelete(state.value, channel, message)}
        onQuote={composer.current?.quote ?? ignore}
      />
    );
  }

  const unread = view.unread;
  // One row has its tools out: the one that the pointer or the focus came to last.
  const active = pointing ? (hovered ?? focused) : (focused ?? hovered);
  return (
    <div class="log-place">
      <VirtualList
        ref={list}
        rows={rows}
        estimate={estimate}
        render={renderRow}
        initial={initialPlace(id, divider)}
        label={`Messages in ${channelTitle(channel, state.value)}`}
        onNearStart={() => void loadOlder(id)}
        onNearEnd={() => void loadNewer(id)}
        onFollowing={(following) => dispatch({ type: "channel/following", channel: id, following })}
        onSeen={onSeen}
        onLeave={(place) => places.set(id, place)}
        onKeyDown={onKeyDown}
        onPointerOver={(e) => {
          setHovered(rowKey(e.target));
          setPointing(true);
        }}
        onPointerLeave={() => setHovered(null)}
        onFocusIn={(e) => {
          setFocused(rowKey(e.target));
          setPointing(false);
        }}
        onFocusOut={(e) => setFocused(rowKey(e.relatedTarget))}
      />
      {(far || (!channel.following && unread > 0)) && (
        <button type="button" class={unread > 0 ? "jump new-below" : "jump"} onClick={() => void toLatest()}>
          <Icon name="arrow-down" size={16} />
          {unread > 0 ? `Jump to latest (${unread} new)` : "Jump to latest"}
        </button>
      )}
    </div>
  );
}

function Waiting({ channel }: { channel: Id }) {
  if (loads.value[channel] !== "failed") {
    return (
      <div class="log-place">
        <Skeleton />
      </div>
    );
  }
  return (
    <div class="log-place">
      <div class="empty" role="alert">
        <p>The messages could not be loaded.</p>
        <button type="button" class="button" onClick={() => void loadLatest(channel)}>
          Try again
        </button>
      </div>
    </div>
  );
}

function initialPlace(id: Id, divider: number | null): Place {
  const left = places.get(id);
  if (left?.at === "row") return left;
  return divider === null ? { at: "end" } : { at: "row", key: "new", top: DIVIDER_TOP };
}

function estimate(row: Row): number {
  switch (row.kind) {
    case "start":
      return 220;
    case "older":
    case "newer":
      return 112;
    case "day":
    case "new":
      return 36;
    case "message":
      return (row.grouped ? 4 : 34) + 22 * Math.max(1, Math.ceil((row.message.text ?? "").length / 90));
    case "pending":
      return (row.grouped ? 4 : 34) + 22 * Math.max(1, Math.ceil(row.pending.text.length / 90));
  }
}

function rowKey(target: EventTarget | null): string | null {
  if (!(target instanceof Element)) return null;
  return target.closest<HTMLElement>(".log-row")?.dataset.key ?? null;
}

function ignore(): void {
  // The composer of an archived channel takes no quotes.
}
