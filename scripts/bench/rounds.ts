import type { Row } from "./report.ts";
import { type Figure, summarize } from "./statistics.ts";

/** What one measurement of a thing found, by column. */
export type Sample = Readonly<Record<string, number>>;

/** Measures a thing once. */
export type Measurement = () => Promise<Sample>;

/** How things are measured. */
export interface Rounds {
  /** How often, not counting the first time. */
  readonly rounds: number;
  /** The one that the others are compared with. */
  readonly base?: string;
}

/** Measures each thing in turn, again and again. The first round only fills the caches and does not count. */
export async function inTurn(
  things: Readonly<Record<string, Measurement>>,
  { rounds, base }: Rounds,
): Promise<Row[]> {
  const samples = new Map(Object.keys(things).map((name) => [name, [] as Sample[]]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, measure] of Object.entries(things)) {
      const sample = await measure();
      if (round > 0) samples.get(name)!.push(sample);
    }
  }
  const compared = base === undefined ? undefined : samples.get(base);
  return [...samples].map(([name, own]) => ({ name, figures: figuresOf(own, name === base ? undefined : compared) }));
}

/**
 * Sums samples up by column.
 *
 * @param samples At least one; all have the same columns.
 * @param base Those of the same rounds to compare with; columns that it has not are not compared.
 */
function figuresOf(samples: readonly Sample[], base?: readonly Sample[]): Record<string, Figure> {
  return Object.fromEntries(
    Object.keys(samples[0]!).map((column) => {
      const of = (all: readonly Sample[]) => all.map((sample) => sample[column]!);
      return [column, summarize(of(samples), base?.[0]?.[column] === undefined ? undefined : of(base))];
    }),
  );
}
