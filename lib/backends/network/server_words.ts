import { printable } from "../../text/printable.ts";

/** The longest message that is shown in full, in characters; those of real servers are shorter. */
const MAX_LENGTH = 500;

/** The first line of a server's message, made printable, and cut if it is too long. */
export function serverWords(text: string): string {
  const [line = ""] = text.trimStart().split(/[\r\n]/, 1);
  const words = printable(line.slice(0, 2 * MAX_LENGTH)).trim();
  return words.length <= MAX_LENGTH ? words : `${words.slice(0, MAX_LENGTH).toWellFormed()}…`;
}
