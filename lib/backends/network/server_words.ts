import { printable } from "../../text/printable.ts";

/** How much of what a server says is told, in characters: enough for the longest message of a real one. */
const LONGEST = 500;

/** The first line of what a server says, fit to be a part of one line, and cut where it is too long. */
export function serverWords(text: string): string {
  const [line = ""] = text.trimStart().split(/[\r\n]/, 1);
  const words = printable(line.slice(0, 2 * LONGEST)).trim();
  return words.length <= LONGEST ? words : `${words.slice(0, LONGEST).toWellFormed()}…`;
}
