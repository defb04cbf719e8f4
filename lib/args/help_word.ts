import { UsageError } from "../errors.ts";
import { subcommandOf } from "./subcommands.ts";

/**
 * Refuses the one word `help` behind a subcommand: it is either a command of that name or a wish for the help text.
 * Behind `--` it is a command.
 *
 * @param subcommand The subcommand's name.
 * @param argv The words after it.
 * @param operands Those that are left behind the flags.
 * @throws {UsageError}
 */
export function refuseHelpWord(subcommand: string, argv: readonly string[], operands: readonly string[]): void {
  if (operands.length !== 1 || operands[0] !== "help" || argv.at(-2) === "--") return;
  const otherwise = subcommandOf(subcommand)!.takesCommand
    ? `, or sera ${subcommand} -- help for a command of that name`
    : "";
  throw new UsageError("Cannot tell what is meant by help", `write sera ${subcommand} --help${otherwise}`);
}
