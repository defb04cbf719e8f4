import { type FlagSpec, type ParsedFlags, parseGoFlags, UnknownFlagError } from "./go_flags.ts";

/**
 * Parses flags. The error for an unknown one says what was probably meant.
 *
 * @param subcommand Whose flags they are; undefined for those of a run.
 * @throws {UsageError} For a flag that is unknown, malformed or lacks its value.
 */
export async function readFlags(
  words: readonly string[],
  specs: readonly FlagSpec[],
  subcommand?: string,
): Promise<ParsedFlags> {
  try {
    return parseGoFlags(words, specs, subcommand === undefined ? "sera --help" : `sera ${subcommand} --help`);
  } catch (error) {
    if (!(error instanceof UnknownFlagError)) throw error;
    throw (await import("./meant_flag.ts")).withSuggestion(error, specs, subcommand);
  }
}
