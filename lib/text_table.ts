import { printable } from "./printable.ts";

/**
 * A table for a terminal, with columns as wide as they need to be.
 *
 * @param rows The header, then the rows; their text may be anybody's.
 * @returns Lines, each with its end.
 */
export function table(rows: readonly (readonly string[])[]): string {
  const shown = rows.map((row) => row.map(printable));
  const widths = shown[0]!.map((_, column) => Math.max(...shown.map((row) => [...row[column]!].length)));
  return shown.map((row) => {
    const cells = row.map((text, column) => text + " ".repeat(widths[column]! - [...text].length));
    return `${cells.join("  ").trimEnd()}\n`;
  }).join("");
}
