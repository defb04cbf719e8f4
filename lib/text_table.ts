import { printable } from "./printable.ts";

/**
 * A table for a terminal, with columns as wide as they need to be.
 *
 * @param rows The header, then the rows; their text may be anybody's.
 * @returns Lines, each with its end.
 */
export function table(rows: readonly (readonly string[])[]): string {
  const shown = rows.map((row) => row.map(printable));
  const widths = shown[0]!.map((_, column) => shown.reduce((width, row) => Math.max(width, widthOf(row[column]!)), 0));
  return shown.map((row) => {
    const cells = row.map((text, column) => text + " ".repeat(widths[column]! - widthOf(text)));
    return `${cells.join("  ").trimEnd()}\n`;
  }).join("");
}

function widthOf(text: string): number {
  return [...text].length;
}
