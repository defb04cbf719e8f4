import { printable } from "../../text/printable.ts";

/** The longest message that is shown in full, in characters; those of real servers are shorter. */
const LONGEST = 500;

/** The first line of a server's message, made printable, and cut if it is too long. */
export function serverWords(text: string): string {
  const [line = ""] = text.trimStart().split(/[\r\n]/, 1);
  const words = printable(line.slice(0, 2 * LONGEST)).trim();
  return words.length <= LONGEST ? words : `${words.slice(0, LONGEST).toWellFormed()}…`;
}
