import { widthOf } from "./width.ts";

/** Wraps a text at blanks. A word that is too long is not cut, so that it can be copied whole. */
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
 * Wraps a line for a terminal, which would break it within a word.
 *
 * @param width The terminal's width; undefined if there is no terminal.
 */
export function wrappedAt(line: string, width: number | undefined): string {
  return width === undefined ? line : wrapped(line, width).join("\n");
}
