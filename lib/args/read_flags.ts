import type { LoadSubcommands } from "./subcommand.ts";
import { type FlagSpec, type ParsedFlags, parseGoFlags, UnknownFlagError } from "./go_flags.ts";

/**
 * As {@linkcode readFlags}, where one operand may also stand before the flags: `NAME --for 2h`. Behind `--` nothing is a
 * flag, and several operands are a command's words.
 */
export async function readFlagsInAnyOrder(...call: Parameters<typeof readFlags>): Promise<ParsedFlags> {
  const [[first, ...rest], ...others] = call;
  if (first === undefined || first.startsWith("-") || rest.includes("--")) return await readFlags(...call);
  const moved = await readFlags([...rest, first], ...others);
  return moved.operands.length === 1 ? moved : await readFlags(...call);
}

/**
 * Parses flags. The error for an unknown one says what was probably meant.
 *
 * @param subcommand Whose flags they are; undefined for those of a run.
 * @param commands Gives the words of all commands, for a flag that is another one's.
 * @throws {UsageError} For a flag that is unknown, malformed or lacks its value.
 */
export async function readFlags(
  words: readonly string[],
  specs: readonly FlagSpec[],
  subcommand: string | undefined,
  commands: LoadSubcommands,
): Promise<ParsedFlags> {
  try {
    return parseGoFlags(words, specs, subcommand === undefined ? "sera --help" : `sera ${subcommand} --help`);
  } catch (error) {
    if (!(error instanceof UnknownFlagError)) throw error;
    const { withSuggestion } = await import("./unknown_flag.ts");
    throw withSuggestion(error, specs, await commands(), subcommand);
  }
}
