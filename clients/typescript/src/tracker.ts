import type { Position, Stream } from "./generated/protocol.js";

export type Positions = Record<Stream, Position>;
export type Verdict = "apply" | "duplicate" | "gap" | "epoch";

/** Where this client is in every stream; says what to do with an event that arrives. */
export class Tracker {
  /** The one that moved last comes last. */
  private readonly positions = new Map<Stream, Position>();

  get(stream: Stream): Position | undefined {
    return this.positions.get(stream);
  }

  set(stream: Stream, position: Position): void {
    this.positions.delete(stream);
    this.positions.set(stream, { epoch: position.epoch, seq: position.seq });
  }

  /** Starts at `position` unless the stream is already known at or past it. */
  adopt(stream: Stream, position: Position): void {
    const known = this.positions.get(stream);
    if (known?.epoch === position.epoch && known.seq >= position.seq) return;
    this.set(stream, position);
  }

  drop(stream: Stream): void {
    this.positions.delete(stream);
  }

  clear(): void {
    this.positions.clear();
  }

  all(): Positions {
    return Object.fromEntries(this.positions);
  }

  /** As many as fit into so many bytes of JSON: one's own streams first, then those that moved last. */
  within(bytes: number): Positions {
    const newest = [...this.positions].reverse();
    const own = newest.filter(([stream]) => stream.startsWith("u:"));
    const picked: [Stream, Position][] = [];
    let left = bytes;
    for (const entry of [...own, ...newest.filter(([stream]) => !stream.startsWith("u:"))]) {
      // All of it is ASCII; a colon and a comma join what is counted.
      left -= JSON.stringify(entry).length;
      if (left < 0) break;
      picked.push(entry);
    }
    return Object.fromEntries(picked);
  }

  /** Judges an event, and advances when it is the next one. A stream seen for the first time starts with it. */
  accept(stream: Stream, epoch: string, seq: number): Verdict {
    const known = this.positions.get(stream);
    if (known !== undefined) {
      if (known.epoch !== epoch) return "epoch";
      if (seq <= known.seq) return "duplicate";
      if (seq > known.seq + 1) return "gap";
    }
    this.set(stream, { epoch, seq });
    return "apply";
  }
}
