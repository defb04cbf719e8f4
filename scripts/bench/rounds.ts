import type { Figure, Row } from "./report.ts";

/** The figures of one measurement, by column. */
export type Sample = Readonly<Record<string, number>>;

/** Measures a thing once. */
export type Measurement = () => Promise<Sample>;

/** How things are measured. */
export interface Rounds {
  /** How often, not counting the first time. */
  readonly rounds: number;
  /** The one that the others are compared with. */
  readonly base?: string;
  /** The first round counts, too: each measurement is so long that caches do not matter. */
  readonly long?: boolean;
  /** Called before each measurement. */
  readonly progress?: (text: string) => void;
}

/** Measures each thing in turn, again and again. The first round only fills the caches and does not count, unless `long`. */
export async function inTurn(
  things: Readonly<Record<string, Measurement>>,
  { rounds, base, long = false, progress }: Rounds,
): Promise<Row[]> {
  const samples: Record<string, Sample[]> = Object.fromEntries(Object.keys(things).map((name) => [name, []]));
  for (let round = long ? 1 : 0; round <= rounds; round++) {
    for (const [name, measure] of Object.entries(things)) {
      progress?.(`round ${round} of ${rounds}: ${name}`);
      const sample = await measure();
      if (round > 0) samples[name]!.push(sample);
    }
  }
  return Object.entries(samples).map(([name, own]) => {
    const compared = base === undefined || name === base ? undefined : samples[base]!;
    const figures = Object.keys(own[0]!).map((column) => {
      const of = (samples: readonly Sample[]) => samples.map((sample) => sample[column]!);
      return [column, summarize(of(own), compared?.[0]?.[column] === undefined ? undefined : of(compared))];
    });
    return { name, figures: Object.fromEntries(figures) };
  });
}

/**
 * Sums values up. A ratio is not one of medians: what slows the machine for a while slows both of a round, and so cancels
 * out.
 *
 * @param values One for each round, at least one.
 * @param base What they are compared with, from the same rounds.
 * @throws Error When there are no values, or not as many to compare with.
 */
export function summarize(values: readonly number[], base?: readonly number[]): Figure {
  if (base !== undefined && base.length !== values.length) {
    throw new Error(`Cannot compare: ${values.length} rounds with ${base.length}`);
  }
  return {
    median: quantile(values, 0.5),
    lower: quantile(values, 0.25),
    upper: quantile(values, 0.75),
    ...base === undefined ? {} : { ratio: quantile(values.map((value, round) => value / base[round]!), 0.5) },
  };
}

/** The value that a share of the values, from 0 to 1, lies below; between two neighbours in proportion. */
function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new Error("Cannot sum up: no values");
  const sorted = values.toSorted((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!;
  return below + (sorted[Math.ceil(place)]! - below) * (place - Math.floor(place));
}
