import { parseWait } from "../duration.ts";
import { UsageError } from "../errors.ts";
import type { RunRequest } from "../commands/run.ts";

/**
 * Reads `<wait> <command> [argument …]`.
 *
 * @throws {UsageError} When one of the two is missing or the first is no wait.
 */
export async function readOperands(operands: readonly string[]): Promise<RunRequest> {
  const [first, ...words] = operands;
  if (first === undefined) {
    throw new UsageError("Nothing to run; usage: sera [flags] <wait> <command> [argument ...], see sera --help");
  }
  const wait = parseWait(first);
  if (wait === undefined) {
    const subcommand = (await import("./subcommands.ts")).subcommandOf(first);
    throw new UsageError(
      subcommand
        ? `Cannot use flags before ${first}; write sera ${first} ${subcommand.usage}`
        : `Cannot use as a wait: ${
          first || '""'
        }; expected whole seconds, a duration such as 1m30s, or forever, then the command; see sera --help`,
    );
  }
  if (words.length === 0) throw new UsageError(`No command after the wait: ${first}; write sera ${first} <command>`);
  if (words[0] === "--") {
    throw new UsageError(`Cannot run --: it belongs before the wait; write sera -- ${first} <command>`);
  }
  return { wait, words };
}
