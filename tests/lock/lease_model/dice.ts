/** Chance that comes out the same for the same seed. */
export class Dice {
  #state: number;

  /** @param seed A whole number. */
  constructor(seed: number) {
    // Neighbouring seeds must not begin alike.
    this.#state = Math.imul(seed + 1, 0x9e3779b1);
  }

  /** From 0 to the limit, exclusive. (mulberry32) */
  upTo(limit: number): number {
    this.#state = this.#state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(this.#state ^ this.#state >>> 15, this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32 * limit;
  }

  between(min: number, limit: number): number {
    return min + this.upTo(limit - min);
  }

  chance(probability: number): boolean {
    return this.upTo(1) < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.upTo(choices.length))]!;
  }
}
