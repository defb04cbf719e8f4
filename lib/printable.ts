/** What would control a terminal: control characters, and what breaks lines or turns text round. */
// deno-lint-ignore no-control-regex
const UNPRINTABLE = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]+/g;

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
