import { messageOf } from "../errors.ts";

/** V8's message about a token that does not belong where it stands. */
const UNEXPECTED = /^Unexpected token /;

/**
 * The line of the mistake in a text that is not valid JSON, counted from 1.
 *
 * @param message V8's message about it.
 */
export function jsonErrorLine(text: string, message: string): number {
  const all = text.trimEnd();
  // Anchored, since V8 may quote the file, in which the same words may stand.
  const position = / at position (\d+)(?: \(line \d+ column \d+\))?$/.exec(message)?.[1];
  if (position !== undefined) return all.slice(0, Number(position)).split("\n").length;
  const lines = all.split("\n");
  if (!UNEXPECTED.test(message)) return lines.length;
  // For an unexpected token V8 tells no position. It is in the first line with which the text so far brings that error.
  const found = lines.findIndex((_, index) => UNEXPECTED.test(faultOf(lines.slice(0, index + 1).join("\n"))));
  return found < 0 ? lines.length : found + 1;
}

/** V8's message about a text; empty if it is valid JSON. */
function faultOf(text: string): string {
  try {
    JSON.parse(text);
    return "";
  } catch (error) {
    return messageOf(error);
  }
}
