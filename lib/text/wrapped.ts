import { widthOf } from "./width.ts";

/** A text in rows of so many columns, cut at blanks; a word that is longer is not cut, so that it can be copied whole. */
export function wrapped(text: string, width: number): string[] {
  const rows: string[] = [];
  for (const word of text.split(" ")) {
    const row = rows.at(-1);
    if (row !== undefined && widthOf(`${row} ${word}`) <= width) rows[rows.length - 1] = `${row} ${word}`;
    else rows.push(word);
  }
  return rows;
}

/**
 * A line as it is shown: at a terminal in rows, so that it cuts no word.
 *
 * @param width The terminal's width; undefined if there is no terminal.
 */
export function wrappedAt(line: string, width: number | undefined): string {
  return width === undefined ? line : wrapped(line, width).join("\n");
}
