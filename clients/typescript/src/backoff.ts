export interface BackoffOptions {
  base_ms: number;
  cap_ms: number;
  random: () => number;
}

/** Exponential back-off with jitter: between half and all of the doubling step, so that clients spread out. */
export class Backoff {
  private attempts = 0;

  constructor(private readonly options: BackoffOptions) {}

  next(): number {
    const { base_ms, cap_ms, random } = this.options;
    const step = Math.min(cap_ms, base_ms * 2 ** Math.min(this.attempts, 20));
    this.attempts += 1;
    return Math.round(step / 2 + (random() * step) / 2);
  }

  get count(): number {
    return this.attempts;
  }

  reset(): void {
    this.attempts = 0;
  }
}
