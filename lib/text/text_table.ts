import stringWidth from "string-width";
import { printable } from "./printable.ts";

/** No cell is made narrower than this, in columns. */
const LEAST = 8;

const GAP = "  ";
const ELLIPSIS = "…";

/** How a table is made to fit. */
export interface Fit {
  /** The terminal's width in columns; undefined where nothing is to be cut. */
  readonly width: number | undefined;
  /** The indices of the columns that may be cut, in the order in which they are. */
  readonly cut: readonly number[];
}

/**
 * A table, with columns as wide as they need to be.
 *
 * @param rows The header, then the rows; unprintable characters are replaced.
 * @returns Lines, each with a line feed, and no spaces at its end.
 */
export function table(
  rows: readonly (readonly string[])[],
  { width, cut }: Fit = { width: undefined, cut: [] },
): string {
  const shown = rows.map((row) => row.map(printable));
  const widths = widthsOf(shown);
  for (const column of width === undefined ? [] : cut) {
    const tooMuch = lineWidth(widths) - width!;
    if (tooMuch > 0) widths[column] = Math.max(Math.min(widths[column]!, LEAST), widths[column]! - tooMuch);
  }
  return shown.map((row) => {
    const cells = row.map((text, column) => padded(shortened(text, widths[column]!), widths[column]!));
    return `${cells.join(GAP).trimEnd()}\n`;
  }).join("");
}

/** Whether a table fits a terminal of that width without being cut. */
export function fits(rows: readonly (readonly string[])[], width: number): boolean {
  return lineWidth(widthsOf(rows.map((row) => row.map(printable)))) <= width;
}

function widthsOf(rows: readonly (readonly string[])[]): number[] {
  return rows[0]!.map((_, column) => rows.reduce((width, row) => Math.max(width, widthOf(row[column]!)), 0));
}

function lineWidth(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, (widths.length - 1) * GAP.length);
}

/** How many columns a text takes: plain ASCII, which most is, one each. */
function widthOf(text: string): number {
  return /^[ -~]*$/.test(text) ? text.length : stringWidth(text);
}

function padded(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

/** As much of the text as fits, cut between characters as a reader sees them: a path keeps its end, which tells more. */
function shortened(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  const characters = [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
  const isPath = /^\/\S+$/.test(text);
  if (isPath) characters.reverse();
  let used = stringWidth(ELLIPSIS);
  const kept = [];
  for (const character of characters) {
    used += stringWidth(character);
    if (used > width) break;
    kept.push(character);
  }
  return isPath ? ELLIPSIS + kept.reverse().join("") : kept.join("") + ELLIPSIS;
}
