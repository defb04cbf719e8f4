import { parseWait } from "../duration.ts";
import { UsageError } from "../errors.ts";
import { isPath, mayBeServer, plainOr } from "../harmless.ts";
import type { RunRequest } from "../commands/run.ts";

/**
 * Reads `<wait> <command> [argument …]`.
 *
 * @param afterServer Whether a flag before them names the server.
 * @throws {UsageError} When one of the two is missing or the first is no wait.
 */
export async function readOperands(operands: readonly string[], afterServer: boolean): Promise<RunRequest> {
  const [first, ...words] = operands;
  if (first === undefined) {
    throw new UsageError("Nothing to run; usage: sera [flags] <wait> <command> [argument ...], see sera --help");
  }
  const wait = parseWait(first);
  if (wait === undefined) {
    const subcommand = (await import("./subcommands.ts")).subcommandOf(first);
    if (subcommand) throw new UsageError(`Cannot use flags before ${first}; write sera ${first} ${subcommand.usage}`);
    const shown = shownWait(operands, afterServer);
    const meant = shown === first ? (await import("./meant_words.ts")).meantBy(first) : undefined;
    throw new UsageError(
      `Cannot use as a wait: ${shown}; ${
        meant ??
          "expected whole seconds, a duration such as 1m30s, or forever, then the command; see sera --help"
      }`,
    );
  }
  if (words.length === 0) throw new UsageError(`No command after the wait: ${first}; write sera ${first} <command>`);
  if (words[0] === "--") {
    throw new UsageError(`Cannot run --: it belongs before the wait; write sera -- ${first} <command>`);
  }
  if (words[0]!.startsWith("-")) (await import("./meant_words.ts")).refuseLateFlag(first, words[0]!);
  refuseServer(words[0]!, "name a server with --server, before the wait");
  return { wait, words };
}

/**
 * Makes sure that a command's first word, which messages show, and servers as its label, is no server.
 *
 * @throws {UsageError} When it looks like one.
 */
export function refuseServer(word: string, cure: string): void {
  // A path may have any characters.
  if (!mayBeServer(word) || isPath(word)) return;
  if (/^[A-Z_][A-Z0-9_]*=\S*$/.test(word)) {
    throw new UsageError("Cannot use the command's first word: it sets a variable; set variables before sera");
  }
  throw new UsageError(`Cannot use the command's first word: it looks like a server with a password; ${cure}`);
}

/** Blanks in a server that was not quoted make several words of it, and one of them, a plain one, the wait. */
function shownWait(operands: readonly string[], afterServer: boolean): string {
  return afterServer || operands.some(mayBeServer)
    ? "(not shown, since a server may stand there)"
    : plainOr(operands[0]!);
}
