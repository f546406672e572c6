// A list of rows of unknown heights that keeps the row under the eye in its place. Whatever changes (older rows put in
// front, a row that grows, a narrower window), the anchor row is where it was before the next paint; at the end, the end
// stays in view. The browser's own scroll anchoring is off: it knows nothing of rows that are not on the page.

import { Component, createRef } from "preact";
import type { ComponentChild, TargetedFocusEvent, TargetedKeyboardEvent, TargetedPointerEvent } from "preact";
import type { Row } from "./rows";
import { Heights, covers, offsets, rangeFor, rowAt } from "./virtual";
import type { Range } from "./virtual";

export type Place = { at: "end" } | { at: "row"; key: string; top: number };

export interface VirtualListProps {
  rows: readonly Row[];
  estimate: (row: Row) => number;
  render: (row: Row) => ComponentChild;
  /** Where to be when first shown. */
  initial: Place;
  label: string;
  onNearStart: () => void;
  onNearEnd: () => void;
  onFollowing: (following: boolean) => void;
  /** The last row that is wholly or partly in view, and how many rows are below it. */
  onSeen: (row: Row, below: number) => void;
  onLeave: (place: Place) => void;
  onKeyDown?: (event: TargetedKeyboardEvent<HTMLDivElement>) => void;
  onPointerOver?: (event: TargetedPointerEvent<HTMLDivElement>) => void;
  onPointerLeave?: () => void;
  onFocusIn?: (event: TargetedFocusEvent<HTMLDivElement>) => void;
  onFocusOut?: (event: TargetedFocusEvent<HTMLDivElement>) => void;
}

const OVERSCAN = 1_200;
const MARGIN = 400;
const MAX_ROWS = 160;
const NEAR_ROWS = 20;
const AT_END_PX = 24;

export class VirtualList extends Component<VirtualListProps> {
  private readonly scroller = createRef<HTMLDivElement>();
  private readonly content = createRef<HTMLDivElement>();
  private readonly elements = new Map<string, HTMLElement>();
  private readonly heights = new Heights();
  private starts: number[] = [0];
  private range: Range = { start: 0, end: 0 };
  private place: Place = this.props.initial;
  private viewport = 800;
  private width = 0;
  private observer: ResizeObserver | null = null;
  private following: boolean | null = null;
  /** Where the list was scrolled to when this component last looked. */
  private lastTop = 0;
  /** The place was asked for and not reached yet: it is not to be replaced by where its row happens to be. */
  private asked = true;

  scrollToEnd(): void {
    this.place = { at: "end" };
    this.asked = true;
    this.forceUpdate();
  }

  scrollToRow(key: string, top: number): void {
    this.place = { at: "row", key, top };
    this.asked = true;
    this.forceUpdate();
  }

  elementOf(key: string): HTMLElement | undefined {
    return this.elements.get(key);
  }

  focus(): void {
    this.scroller.current?.focus({ preventScroll: true });
  }

  override componentDidMount(): void {
    const scroller = this.scroller.current;
    const content = this.content.current;
    if (scroller === null || content === null) return;
    this.viewport = scroller.clientHeight;
    this.width = scroller.clientWidth;
    this.observer = new ResizeObserver(() => this.resized());
    this.observer.observe(scroller);
    this.observer.observe(content);
    this.forceUpdate();
  }

  override componentDidUpdate(): void {
    this.settle();
  }

  override componentWillUnmount(): void {
    this.observer?.disconnect();
    this.props.onLeave(this.place);
  }

  private resized(): void {
    const scroller = this.scroller.current;
    if (scroller === null) return;
    this.viewport = scroller.clientHeight;
    this.followScroll(scroller);
    if (scroller.clientWidth !== this.width) {
      this.width = scroller.clientWidth;
      this.heights.clear();
    }
    this.settle();
  }

  /** Rows may have changed their sizes already, so a scroll whose event is still to come is told by its distance. */
  private followScroll(scroller: HTMLElement): void {
    if (this.asked || !this.scrolledBySomeone(scroller)) return;
    const by = scroller.scrollTop - this.lastTop;
    this.place = this.place.at === "end" ? this.currentPlace(scroller) : { ...this.place, top: this.place.top - by };
  }

  /** After a change, before the paint: measure, put the anchor back, and render more when the viewport is not covered. */
  private settle(): void {
    const scroller = this.scroller.current;
    if (scroller === null) return;
    for (const [key, element] of this.elements) this.heights.set(key, element.getBoundingClientRect().height);
    const asked = this.asked;
    this.restore(scroller);
    this.model();
    if (asked && !this.asked) this.place = this.currentPlace(scroller);
    const top = scroller.scrollTop;
    this.lastTop = top;
    if (!covers(this.range, this.starts, top, this.viewport, 0)) this.forceUpdate();
    this.report(scroller);
  }

  private restore(scroller: HTMLElement): void {
    if (this.place.at === "end") {
      scroller.scrollTop = scroller.scrollHeight;
      this.asked = false;
      return;
    }
    const { key } = this.place;
    const element = this.elements.get(key);
    if (element === undefined) {
      if (!this.props.rows.some((row) => row.key === key)) this.lostAnchor(scroller);
      return;
    }
    this.asked = false;
    const delta = topIn(scroller, element) - this.place.top;
    if (Math.abs(delta) >= 0.5) scroller.scrollTop += delta;
  }

  /** The row that was held on to is no longer in the list: a place that was asked for becomes the end. */
  private lostAnchor(scroller: HTMLElement): void {
    if (this.asked) {
      this.place = { at: "end" };
      scroller.scrollTop = scroller.scrollHeight;
    } else {
      this.place = this.currentPlace(scroller);
    }
    this.asked = false;
  }

  /** A scroll is there before its event is: rendering in between must not undo it. */
  private scrolledBySomeone(scroller: HTMLElement): boolean {
    return Math.abs(scroller.scrollTop - this.lastTop) > 1;
  }

  private model(): void {
    const { rows, estimate } = this.props;
    this.starts = offsets(rows.map((row) => this.heights.get(row.key, estimate(row))));
  }

  private readonly onScroll = (): void => {
    const scroller = this.scroller.current;
    if (scroller === null || this.asked) return;
    this.model();
    this.lastTop = scroller.scrollTop;
    this.place = this.currentPlace(scroller);
    if (!covers(this.range, this.starts, scroller.scrollTop, this.viewport, MARGIN)) this.forceUpdate();
    this.report(scroller);
  };

  private currentPlace(scroller: HTMLElement): Place {
    const left = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    const nothingAfter = this.props.rows.at(-1)?.kind !== "newer";
    if (left <= AT_END_PX && nothingAfter && this.range.end >= this.props.rows.length) return { at: "end" };
    const seen = this.firstInView(scroller);
    if (seen !== null) return seen;
    const at = rowAt(this.starts, scroller.scrollTop);
    const row = this.props.rows[at];
    if (row === undefined) return { at: "end" };
    return { at: "row", key: row.key, top: (this.starts[at] ?? 0) - scroller.scrollTop };
  }

  /** The first message in view: day rows and skeletons come and go and make poor anchors. */
  private firstInView(scroller: HTMLElement): Place | null {
    let fallback: Place | null = null;
    for (let i = this.range.start; i < this.range.end; i += 1) {
      const row = this.props.rows[i];
      const element = row === undefined ? undefined : this.elements.get(row.key);
      if (row === undefined || element === undefined) continue;
      const top = topIn(scroller, element);
      if (top >= this.viewport) break;
      if (top + element.offsetHeight <= 0) continue;
      const place: Place = { at: "row", key: row.key, top };
      if (row.kind === "message" || row.kind === "pending") return place;
      fallback ??= place;
    }
    return fallback;
  }

  private report(scroller: HTMLElement): void {
    const { rows } = this.props;
    const following = this.place.at === "end";
    if (following !== this.following) {
      this.following = following;
      this.props.onFollowing(following);
    }
    const top = scroller.scrollTop;
    const first = rowAt(this.starts, top);
    const last = following ? rows.length - 1 : rowAt(this.starts, top + this.viewport - 1);
    if (first < NEAR_ROWS) this.props.onNearStart();
    if (last > rows.length - 1 - NEAR_ROWS) this.props.onNearEnd();
    const seen = rows[last];
    if (seen !== undefined) this.props.onSeen(seen, rows.length - 1 - last);
  }

  private desiredTop(): number {
    const total = this.starts.at(-1) ?? 0;
    const { place } = this;
    if (place.at === "end") return Math.max(0, total - this.viewport);
    const at = this.props.rows.findIndex((row) => row.key === place.key);
    if (at < 0) return this.scroller.current?.scrollTop ?? 0;
    return Math.max(0, Math.min((this.starts[at] ?? 0) - place.top, Math.max(0, total - this.viewport)));
  }

  private readonly keep = (key: string) => (element: HTMLElement | null) => {
    if (element === null) this.elements.delete(key);
    else this.elements.set(key, element);
  };

  override render(): ComponentChild {
    const { rows, render, label } = this.props;
    this.readAnchor();
    this.model();
    this.range = rangeFor(this.starts, this.desiredTop(), this.viewport, OVERSCAN, MAX_ROWS);
    const { start, end } = this.range;
    const total = this.starts.at(-1) ?? 0;
    const shown = rows.slice(start, end);
    return (
      <div
        ref={this.scroller}
        class="log"
        role="log"
        aria-live="off"
        aria-label={label}
        tabIndex={0}
        onScroll={this.onScroll}
        onKeyDown={this.props.onKeyDown}
        onPointerOver={this.props.onPointerOver}
        onPointerLeave={this.props.onPointerLeave}
        onFocusIn={this.props.onFocusIn}
        onFocusOut={this.props.onFocusOut}
      >
        <div ref={this.content} class="log-content">
          <div class="log-pad" style={{ height: `${this.starts[start] ?? 0}px` }} />
          {shown.map((row) => (
            <div key={row.key} ref={this.keep(row.key)} class="log-row" data-key={row.key}>
              {render(row)}
            </div>
          ))}
          <div class="log-pad" style={{ height: `${total - (this.starts[end] ?? total)}px` }} />
        </div>
      </div>
    );
  }

  /** Someone may have scrolled since the last scroll event: where the list is right now is what must be kept. */
  private readAnchor(): void {
    const scroller = this.scroller.current;
    if (scroller === null || this.asked) return;
    if (this.scrolledBySomeone(scroller)) this.place = this.currentPlace(scroller);
  }
}

function topIn(scroller: HTMLElement, element: HTMLElement): number {
  return element.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
}
