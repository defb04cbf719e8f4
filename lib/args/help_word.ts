import { UsageError } from "../errors.ts";
import type { Subcommand } from "./subcommand.ts";

/**
 * Refuses the one word `help` behind a subcommand: it is either a command of that name or asks for the help text.
 * Behind `--` it is a command.
 *
 * @param argv The words after the subcommand.
 * @param operands Those that are left behind the flags.
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
