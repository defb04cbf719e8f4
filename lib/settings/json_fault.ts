import { messageOf } from "../errors.ts";

/** How V8 complains of a word that it does not expect. */
const UNEXPECTED = /^Unexpected token /;

/**
 * The line of a text that is no JSON which V8 complains of.
 *
 * @param message What V8 says.
 */
export function lineOfFault(text: string, message: string): number {
  const all = text.trimEnd();
  // Anchored, for V8 may quote the file, which may hold such words too.
  const position = / at position (\d+)(?: \(line \d+ column \d+\))?$/.exec(message)?.[1];
  if (position !== undefined) return all.slice(0, Number(position)).split("\n").length;
  const lines = all.split("\n");
  if (!UNEXPECTED.test(message)) return lines.length;
  // V8 gives no position for a word that it does not expect. It is in the first line that brings that error about.
  const found = lines.findIndex((_, index) => UNEXPECTED.test(faultOf(lines.slice(0, index + 1).join("\n"))));
  return found < 0 ? lines.length : found + 1;
}

function faultOf(text: string): string {
  try {
    JSON.parse(text);
    return "";
  } catch (error) {
    return messageOf(error);
  }
}
