// The arithmetic of a list that renders only what is near the viewport. Heights are measured when a row has been on the
// page, and estimated before.

export class Heights {
  private readonly known = new Map<string, number>();

  get(key: string, estimate: number): number {
    return this.known.get(key) ?? estimate;
  }

  /** Returns whether this changes anything. */
  set(key: string, height: number): boolean {
    if (this.known.get(key) === height) return false;
    this.known.set(key, height);
    return true;
  }

  clear(): void {
    this.known.clear();
  }
}

/** offsets[i] is where row i starts; the last entry is the whole height. */
export function offsets(heights: readonly number[]): number[] {
  const out = new Array<number>(heights.length + 1);
  let sum = 0;
  for (let i = 0; i < heights.length; i += 1) {
    out[i] = sum;
    sum += heights[i] ?? 0;
  }
  out[heights.length] = sum;
  return out;
}

/** The row at a position: the last one that starts at or before it. */
export function rowAt(starts: readonly number[], position: number): number {
  let low = 0;
  let high = Math.max(0, starts.length - 2);
  while (low < high) {
    const mid = (low + high + 1) >> 1;
    if ((starts[mid] ?? 0) <= position) low = mid;
    else high = mid - 1;
  }
  return low;
}

export interface Range {
  start: number;
  end: number;
}

/** Rows [start, end) that cover the viewport and `overscan` pixels on both sides, never more than `max`. */
export function rangeFor(
  starts: readonly number[],
  top: number,
  viewport: number,
  overscan: number,
  max: number,
): Range {
  const count = starts.length - 1;
  if (count <= 0) return { start: 0, end: 0 };
  let start = rowAt(starts, Math.max(0, top - overscan));
  let end = Math.min(count, rowAt(starts, top + viewport + overscan) + 1);
  if (end - start > max) {
    const middle = rowAt(starts, top + viewport / 2);
    start = Math.max(0, Math.min(middle - (max >> 1), count - max));
    end = Math.min(count, start + max);
  }
  return { start, end };
}

/** Whether what is rendered still covers the viewport with some margin. */
export function covers(rendered: Range, starts: readonly number[], top: number, viewport: number, margin: number): boolean {
  const count = starts.length - 1;
  const above = rendered.start === 0 || (starts[rendered.start] ?? 0) <= top - margin;
  const below = rendered.end >= count || (starts[rendered.end] ?? 0) >= top + viewport + margin;
  return above && below;
}
