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

/** What would control a terminal: control characters, and what breaks lines or turns text round. */
// deno-lint-ignore no-control-regex
const UNPRINTABLE = /[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+/g;

/** Text without what would control a terminal. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, " ");
}

/** A value as JSON in one line, with escapes for what JSON lets be and a terminal does not. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(UNPRINTABLE, (text) => [...text].map(escaped).join(""));
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** A moment for people: UTC, to the second. */
export function timeOf(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19).replace("T", " ")}Z`;
}
