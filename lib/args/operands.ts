import { parseWait } from "../text/duration.ts";
import { UsageError } from "../errors.ts";
import { isPath, mayBeServer } from "../text/redaction.ts";
import type { LoadSubcommands } from "./subcommand.ts";

/** What to run, and how long to wait for the lock. */
export interface RunRequest {
  /** How long to wait for the lock, in milliseconds; 0 tries once, `Infinity` never gives up. */
  readonly wait: number;
  /** The command's words, at least one. */
  readonly words: readonly string[];
  /**
   * How long to hold the lock without a command, in milliseconds; the words then only name the lock, unless a setting
   * does. Undefined for a run.
   */
  readonly hold?: number | undefined;
}

/**
 * Reads `<wait> <command> [argument …]`.
 *
 * @param flags The flags before them, which may explain a mistake.
 * @param commands Gives the words of all commands, which one of the operands may have been meant to be.
 * @throws {UsageError} When the wait or the command is missing or wrong.
 */
export async function readOperands(
  operands: readonly string[],
  flags: ReadonlyMap<string, string>,
  commands: LoadSubcommands,
): Promise<RunRequest> {
  const [first, ...words] = operands;
  if (first === undefined) {
    throw new UsageError("Nothing to run", "usage: sera [flags] <wait> <command> [argument ...], see sera --help");
  }
  const wait = parseWait(first);
  if (wait === undefined) {
    throw (await import("./operand_errors.ts")).notAWait(operands, flags, await commands());
  }
  if (words.length === 0) throw new UsageError(`No command after the wait: ${first}`, `write sera ${first} <command>`);
  if (words[0] === "--") {
    throw new UsageError("Cannot run --: it belongs before the wait", `write sera -- ${first} <command>`);
  }
  if (words[0]!.startsWith("-")) (await import("./operand_errors.ts")).refuseLateFlag(first, words[0]!);
  refuseServer(words[0]!, "name a server with --server, before the wait");
  return { wait, words };
}

/**
 * Refuses a command whose first word looks like a server. Messages show that word, and so does the lock's server to its
 * other users, so that a password in it would become known.
 *
 * @param cure Where a server belongs instead.
 * @throws {UsageError}
 */
export function refuseServer(word: string, cure: string): void {
  // A path may have any characters.
  if (!mayBeServer(word) || isPath(word)) return;
  if (/^[A-Z_][A-Z0-9_]*=\S*$/.test(word)) {
    throw new UsageError("Cannot use the command's first word: it sets a variable", "set variables before sera");
  }
  throw new UsageError("Cannot use the command's first word: it looks like a server with a password", cure);
}
