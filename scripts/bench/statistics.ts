/** A measured quantity: the middle of its values, and how far half of them spread. */
export interface Figure {
  readonly median: number;
  /** The quartiles: a quarter of the values is below the first, a quarter above the second. */
  readonly lower: number;
  readonly upper: number;
  /** The median of the ratios to what it is compared with, round by round; absent if there is nothing to compare with. */
  readonly ratio?: number;
}

/**
 * Sums values up.
 *
 * @param values One for each round, at least one.
 * @param base What they are compared with, from the same rounds.
 */
export function summarize(values: readonly number[], base?: readonly number[]): Figure {
  return {
    median: median(values),
    lower: quantile(values, 0.25),
    upper: quantile(values, 0.75),
    ...base === undefined ? {} : { ratio: ratioOfRounds(values, base) },
  };
}

/** The middle value; of an even number of values, halfway between the two in the middle. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * The value that a share of the values lies below, between two neighbours in proportion.
 *
 * @param share From 0 to 1.
 * @throws Error When there are no values.
 */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new Error("Cannot sum up: no values");
  const sorted = values.toSorted((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!;
  return below + (sorted[Math.ceil(place)]! - below) * (place - Math.floor(place));
}

/**
 * The median of the rounds' ratios. What slows the machine for a while slows both of a round, and so cancels out, which
 * it does not in a ratio of medians.
 */
export function ratioOfRounds(values: readonly number[], base: readonly number[]): number {
  if (values.length !== base.length) throw new Error(`Cannot compare: ${values.length} rounds with ${base.length}`);
  return median(values.map((value, round) => value / base[round]!));
}
