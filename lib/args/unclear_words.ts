import { UsageError } from "../errors.ts";
import type { Subcommand } from "./subcommand.ts";

/**
 * Refuses words after a subcommand's flags that may have been meant otherwise. After `--` they are a command's words.
 *
 * @param argv The words after the subcommand.
 * @param operands Those after the flags.
 * @throws {UsageError}
 */
export function refuseUnclear(subcommand: Subcommand, argv: readonly string[], operands: readonly string[]): void {
  if (argv.at(-operands.length - 1) === "--") return;
  if (operands.length === 1) refuseHelpWord(subcommand, operands[0]!);
  // A program that is run may have flags of the same names; a lock's command that is only named seldom does.
  if (subcommand.takesCommand && !subcommand.runsCommand) {
    for (const word of operands.slice(1)) refuseLateFlag(subcommand, word);
  }
}

/** Refuses the single word `help`: it may be a command, or a request for the help text. */
function refuseHelpWord({ name, takesCommand }: Subcommand, word: string): void {
  if (word !== "help") return;
  const otherwise = takesCommand ? `, or sera ${name} -- help for a command of that name` : "";
  throw new UsageError(
    "Cannot tell whether help is a command or asks for the help text",
    `write sera ${name} --help${otherwise}`,
  );
}

/** Refuses a flag behind a word: as a word of the command it would choose another lock. */
function refuseLateFlag({ name, flags, settings, operandFirst }: Subcommand, word: string): void {
  const [dashed, flag] = /^--?([^=]+)/.exec(word) ?? [];
  if (![...flags, ...settings].some(({ name, alias }) => flag !== undefined && (name === flag || alias === flag))) {
    return;
  }
  throw new UsageError(
    `Cannot tell whether ${dashed} is a flag of sera ${name} or a word of the command`,
    `write the flags ${operandFirst ? "before the name, or all after it" : "first"}, or -- before a command`,
  );
}
