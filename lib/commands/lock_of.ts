import type { Settings } from "../settings/settings.ts";
import { refuseServer } from "../args/operands.ts";
import { parseWait } from "../text/duration.ts";
import { UsageError } from "../errors.ts";
import { mayBeServer } from "../text/redaction.ts";
import { identityOf } from "../lock/lock_identity.ts";

/**
 * The name of the lock that a subcommand is asked about, from `--name` or the command's words, as for a run.
 *
 * @param words The words after the flags.
 * @param subcommand For messages.
 * @returns Undefined when neither is given.
 * @throws {UsageError} When both are given, or when the words are probably not those of a command.
 */
export function lockOf(words: readonly string[], settings: Settings, subcommand: string): string | undefined {
  if (words.length > 0) refuseUnlikely(words, settings.sourceOf("name"), subcommand);
  else if (settings.name === undefined) return undefined;
  return identityOf(words, settings).name;
}

/** @param named Where a name comes from: `--name` or `SERA_NAME`. */
function refuseUnlikely(words: readonly string[], named: string | undefined, subcommand: string): void {
  refuseServer(words[0]!, "name a server with --server");
  if (named !== undefined) {
    // Do not show them: either may be a server with a password, without --server before it.
    throw new UsageError(
      `Cannot choose a lock both by ${named} and by command`,
      `leave out the command, or ${without(named)}`,
    );
  }
  if (words.length > 1 && parseWait(words[0]!) !== undefined) {
    throw new UsageError(
      `Cannot tell which lock is meant: ${words[0]} looks like a wait`,
      `write sera ${subcommand} -- ${mayBeServer(words[1]!) ? "<command>" : words[1]} ..., or --name`,
    );
  }
}

/** How to do without a name: a variable has to be taken away. */
export function without(named: string): string {
  return named.startsWith("--") ? named : `unset ${named}`;
}
