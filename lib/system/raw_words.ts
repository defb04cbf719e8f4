import { readOwnProc } from "./proc.ts";
import { UsageError } from "../errors.ts";

/**
 * Makes sure that Deno has passed on the words as typed. It replaces bytes that are not UTF-8 by U+FFFD, and a command
 * with changed words could do anything.
 *
 * @throws {UsageError} When a word was changed.
 */
export function refuseChangedWords(words: readonly string[]): void {
  const suspect = words.findIndex((word) => word.includes("\ufffd"));
  if (suspect < 0 || Deno.build.os === "windows") return;
  // Somebody may really have typed U+FFFD; only Linux shows the original bytes.
  const raw = readOwnProc("cmdline");
  if (raw && isUtf8(raw)) return;
  throw new UsageError(
    `Cannot pass on a word that is not UTF-8: number ${suspect + 1}`,
    "put it into a script and run that",
  );
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}
