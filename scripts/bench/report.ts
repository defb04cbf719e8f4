import type { PartName } from "./options.ts";

/** Everything that one run of the bench found; what `--json` prints. */
export interface Report {
  /** Where the figures are from: versions, the processor, how the programs were made. */
  readonly machine: readonly string[];
  readonly rounds: number;
  /** Skipped measurements, with the reasons. */
  readonly leftOut: readonly string[];
  readonly tables: readonly Table[];
  readonly aims: readonly Aim[];
}

/** Things that are compared. */
export interface Table {
  readonly id: TableId;
  readonly title: string;
  /** The row that the ratios refer to, if there are any. */
  readonly base?: string;
  /** The columns; the id is the key in the rows' figures. */
  readonly columns: readonly { readonly id: string; readonly title: string; readonly unit: string }[];
  readonly rows: readonly Row[];
}

/** The name of a table; a part has one, hand-off and slots two. */
export type TableId = PartName | "death" | "slotstart";

/** The figures of one contestant. */
export interface Row {
  readonly name: string;
  /** By column; one that does not apply is absent. */
  readonly figures: Readonly<Record<string, Figure>>;
}

/** A measured quantity: the middle of its values, and how far half of them spread. */
export interface Figure {
  readonly median: number;
  /** The quartiles: a quarter of the values is below the first, a quarter above the second. */
  readonly lower: number;
  readonly upper: number;
  /** The median of the ratios to the base, round by round; absent without a base. */
  readonly ratio?: number;
}

/** Something that sera is meant to reach, and whether it does. */
export interface Aim {
  readonly id: "wall" | "memory" | "handOff" | "wakeUps" | "sharing" | "crowd" | "trips" | "slots";
  /** Whose it is. */
  readonly of: string;
  /** The measured quantity. */
  readonly what: string;
  readonly figure: number;
  /** What the figure must not exceed. */
  readonly max: number;
  readonly unit: string;
  readonly met: boolean;
}

/** The figure at a place, if it was measured. */
export function figureAt(tables: readonly Table[], id: TableId, row: string, column: string): Figure | undefined {
  return tables.find((table) => table.id === id)?.rows.find(({ name }) => name === row)?.figures[column];
}
