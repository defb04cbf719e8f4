import { printable } from "./printable.ts";
import { shortened, widthOf } from "./width.ts";

/** No column is cut to less than this. */
const MIN_WIDTH = 8;

const GAP = "  ";

/** How to make a table fit a terminal. */
export interface Fit {
  /** The terminal's width; undefined to cut nothing. */
  readonly width: number | undefined;
  /** The indices of the columns that may be cut, the first to be cut first. */
  readonly cut: readonly number[];
}

/**
 * Formats a table, with each column as wide as its longest cell.
 *
 * @param rows The header, then the rows; unprintable characters are replaced.
 * @returns Lines, each ended by a line feed, without trailing blanks.
 */
export function table(
  rows: readonly (readonly string[])[],
  { width, cut }: Fit = { width: undefined, cut: [] },
): string {
  const shown = rows.map((row) => row.map(printable));
  const widths = widthsOf(shown);
  for (const column of width === undefined ? [] : cut) {
    const tooMuch = lineWidth(widths) - width!;
    if (tooMuch > 0) widths[column] = Math.max(Math.min(widths[column]!, MIN_WIDTH), widths[column]! - tooMuch);
  }
  return shown.map((row) => {
    const cells = row.map((text, column) => padded(shortened(text, widths[column]!), widths[column]!));
    return `${cells.join(GAP).trimEnd()}\n`;
  }).join("");
}

/** Whether a table fits a terminal of that width uncut. */
export function fits(rows: readonly (readonly string[])[], width: number): boolean {
  return lineWidth(widthsOf(rows.map((row) => row.map(printable)))) <= width;
}

function widthsOf(rows: readonly (readonly string[])[]): number[] {
  return rows[0]!.map((_, column) => rows.reduce((width, row) => Math.max(width, widthOf(row[column]!)), 0));
}

function lineWidth(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, (widths.length - 1) * GAP.length);
}

function padded(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}
