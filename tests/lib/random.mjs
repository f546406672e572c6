// Random choices that can be repeated: the same seed makes the same choices.

/** The seed of this run: FAULT_SEED, or a new one. Print it. */
export function chooseSeed() {
  return Number(process.env.FAULT_SEED ?? Math.floor(Math.random() * 2 ** 31));
}

export class Random {
  constructor(seed) {
    this.state = (seed * 2654435761) >>> 0;
  }

  /** 0 <= x < 1; mulberry32. */
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  between(low, high) {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  pick(list) {
    return list[this.between(0, list.length - 1)];
  }

  chance(probability) {
    return this.next() < probability;
  }

  /** One of the keys of { key: weight }. */
  weighted(weights) {
    let at = this.next() * Object.values(weights).reduce((a, b) => a + b, 0);
    for (const [key, weight] of Object.entries(weights)) if ((at -= weight) < 0) return key;
    return Object.keys(weights)[0];
  }
}
