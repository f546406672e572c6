import type { Position, Stream } from "../generated/protocol";

export type Verdict = "apply" | "duplicate" | "gap" | "epoch";

/** Where this client is in every stream; says what to do with an event that arrives. */
export class Tracker {
  private readonly positions = new Map<Stream, Position>();

  get(stream: Stream): Position | undefined {
    return this.positions.get(stream);
  }

  set(stream: Stream, position: Position): void {
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

  all(): Record<Stream, Position> {
    return Object.fromEntries(this.positions);
  }

  /** Judges an event, and advances when it is the next one. A stream seen for the first time starts with it. */
  accept(stream: Stream, epoch: string, seq: number): Verdict {
    const known = this.positions.get(stream);
    if (known === undefined) {
      this.set(stream, { epoch, seq });
      return "apply";
    }
    if (known.epoch !== epoch) return "epoch";
    if (seq <= known.seq) return "duplicate";
    if (seq > known.seq + 1) return "gap";
    known.seq = seq;
    return "apply";
  }
}
