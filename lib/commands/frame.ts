/** What all commands have in common, a run included: flags, help, the format of errors, exit codes. */

import type { Subcommand } from "../args/subcommand.ts";
import { flagSpecs } from "../args/flag.ts";
import { isFlagSet } from "../args/is_flag_set.ts";
import { readFlags, readFlagsInAnyOrder } from "../args/read_flags.ts";
import type { Io } from "../io.ts";
import { ErrorReporter } from "../log/error_reporter.ts";
import { Progress } from "./run/progress.ts";
import { refuseChangedWords } from "../system/raw_words.ts";
import { VERSION } from "../version.ts";
import type { Command } from "./command.ts";
import { loadSubcommands } from "./load.ts";

/**
 * Runs a command: parses its words, reports its errors, returns its exit code.
 *
 * @param argv The words after the command's name.
 */
export async function inFrame(command: Command, argv: readonly string[], io: Io): Promise<number> {
  const { subcommand, prints = false } = command;
  const specs = flagSpecs(command.flags);
  const failures = new ErrorReporter(io, async () => {
    return await (await import("../args/requested_format.ts")).requestedFormat(
      argv,
      specs,
      io.env,
      subcommand,
    );
  });
  const progress = new Progress(failures.report, command.errorExitCode);
  try {
    const { flags, operands, repeated } = await (subcommand?.operandFirst ? readFlagsInAnyOrder : readFlags)(
      argv,
      specs,
      subcommand?.name,
      loadSubcommands,
    );
    const text = await askedText(flags, subcommand);
    if (text !== undefined) {
      io.out(text);
      return await printed(io, 0);
    }
    refuseChangedWords(argv);
    if (subcommand) (await import("../args/unclear_words.ts")).refuseUnclear(subcommand, argv, operands);
    const exitCode = await progress.of(command.work({
      flags,
      operands,
      repeated,
      io,
      progress,
      setLogger: (logger) => failures.logger = logger,
      note: (message) => failures.note(message),
    }));
    return prints ? await printed(io, exitCode) : exitCode;
  } catch (error) {
    const verdict = progress.verdictOf(error);
    failures.report(verdict);
    return verdict.exitCode;
  } finally {
    await failures.flush();
    if (prints) await io.flush?.();
  }
}

/** The text for `--help` or `--version`; undefined without these flags. */
async function askedText(
  flags: ReadonlyMap<string, string>,
  subcommand: Subcommand | undefined,
): Promise<string | undefined> {
  if (isFlagSet(flags, "help")) {
    const { helpText, subcommandHelp } = await import("../args/usage.ts");
    return subcommand ? subcommandHelp(subcommand) : helpText(await loadSubcommands());
  }
  return isFlagSet(flags, "version") ? `sera ${VERSION}\n` : undefined;
}

async function printed(io: Io, exitCode: number): Promise<number> {
  const { afterPrinting } = await import("./after_printing.ts");
  return await afterPrinting(io, exitCode);
}
