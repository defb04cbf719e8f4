import { UsageError } from "../errors.ts";
import type { Subcommand } from "./subcommand.ts";

/**
 * Refuses the single word `help` after a subcommand: it may be a command, or a request for the help text. After `--` it
 * is a command.
 *
 * @param argv The words after the subcommand.
 * @param operands Those after the flags.
 * @throws {UsageError}
 */
export function refuseHelpWord(
  { name, takesCommand }: Subcommand,
  argv: readonly string[],
  operands: readonly string[],
): void {
  if (operands.length !== 1 || operands[0] !== "help" || argv.at(-2) === "--") return;
  const otherwise = takesCommand ? `, or sera ${name} -- help for a command of that name` : "";
  throw new UsageError(
    "Cannot tell whether help is a command or asks for the help text",
    `write sera ${name} --help${otherwise}`,
  );
}
