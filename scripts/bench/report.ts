import type { PartName } from "./options.ts";
import type { Figure } from "./statistics.ts";

/** What one kind of value in a table means. */
export interface Column {
  /** Its key in the rows' figures. */
  readonly id: string;
  readonly title: string;
  readonly unit: string;
}

/** What was measured of one thing. */
export interface Row {
  readonly name: string;
  /** By column; one that does not apply is absent. */
  readonly figures: Readonly<Record<string, Figure>>;
}

/** Things that are compared. */
export interface Table {
  readonly id: TableId;
  readonly title: string;
  /** The row that the ratios refer to, if there are any. */
  readonly base?: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

/** The name of a table; a part has one, hand-off two. */
export type TableId = PartName | "death";

/** Something that sera is meant to reach, and whether it does. */
export interface Aim {
  readonly id: AimId;
  /** Whose it is. */
  readonly of: string;
  /** What is measured. */
  readonly what: string;
  readonly figure: number;
  /** The most that it is to be. */
  readonly most: number;
  readonly unit: string;
  readonly met: boolean;
}

/** What an aim is about. */
export type AimId = "wall" | "memory" | "handOff" | "wakeUps" | "sharing" | "crowd";

/** Everything that one run of the bench found; what `--json` prints. */
export interface Report {
  readonly machine: Machine;
  readonly rounds: number;
  /** What was not measured, and why. */
  readonly leftOut: readonly string[];
  readonly tables: readonly Table[];
  readonly aims: readonly Aim[];
}

/** Where the figures are from. */
export interface Machine {
  /** How the programs were made: compiled, or run with `deno run`. */
  readonly build: "compiled" | "deno run";
  readonly sera: string;
  readonly deno: string;
  readonly processors: number;
  readonly processor: string;
  readonly kernel: string;
  /** The servers' versions, by name. */
  readonly servers: Readonly<Record<string, string>>;
}

/** The figure at a place, if it was measured. */
export function figureAt(tables: readonly Table[], id: TableId, row: string, column: string): Figure | undefined {
  return tables.find((table) => table.id === id)?.rows.find(({ name }) => name === row)?.figures[column];
}
