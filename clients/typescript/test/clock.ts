/** A clock that a test moves by hand. */
export class Clock {
  private time = 1_000_000;
  private timers: { at: number; run: () => void; live: boolean }[] = [];

  now(): number {
    return this.time;
  }

  later(ms: number, run: () => void): () => void {
    const timer = { at: this.time + ms, run, live: true };
    this.timers.push(timer);
    return () => {
      timer.live = false;
    };
  }

  /** Moves on, running what falls due, with room for promises in between. */
  async advance(ms: number): Promise<void> {
    const until = this.time + ms;
    for (;;) {
      const next = this.timers.filter((t) => t.live && t.at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.time = next.at;
      next.live = false;
      next.run();
      await settle();
    }
    this.time = until;
    await settle();
  }

  get pending(): number {
    return this.timers.filter((t) => t.live).length;
  }
}

/** Lets every promise that can go on do so. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
}
