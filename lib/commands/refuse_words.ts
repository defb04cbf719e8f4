import { UsageError } from "../errors.ts";
import { isPlain } from "../text/redaction.ts";

/**
 * Refuses words after the flags of a subcommand that takes none.
 *
 * @throws {UsageError}
 */
export function refuseWords(words: readonly string[], usage: string): void {
  if (words.length === 0) return;
  // It may be a server without --server before it, and hold a password.
  const shown = isPlain(words[0]!) ? `: ${words[0]}` : "";
  throw new UsageError(`Unexpected word after the flags${shown}`, `usage: ${usage}`);
}
