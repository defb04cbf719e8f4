/** What all commands have in common, a run included: flags, help, the format of errors, exit codes. */

import type { Subcommand } from "../args/subcommand.ts";
import { flagSpecs } from "../args/flag.ts";
import { isAsked } from "../args/is_asked.ts";
import { readFlags, readFlagsInAnyOrder } from "../args/read_flags.ts";
import type { Io } from "../io.ts";
import { Failures } from "../log/failures.ts";
import { Progress } from "./run/progress.ts";
import { refuseChangedWords } from "../system/raw_words.ts";
import { VERSION } from "../version.ts";
import type { Command } from "./command.ts";
import { loadSubcommands } from "./load.ts";

/**
 * Runs a command from its words to its exit code.
 *
 * @param argv The words after the command's name.
 */
export async function inFrame(command: Command, argv: readonly string[], io: Io): Promise<number> {
  const { words, prints = false } = command;
  const specs = flagSpecs(command.flags);
  const failures = new Failures(io, async () => {
    return await (await import("../args/asked_format.ts")).askedFormat(argv, specs, io.env);
  });
  const progress = new Progress(failures.tell, command.ownCode);
  try {
    const { flags, operands, repeated } = await (words?.operandFirst ? readFlagsInAnyOrder : readFlags)(
      argv,
      specs,
      words?.name,
      loadSubcommands,
    );
    const text = await askedText(flags, words);
    if (text !== undefined) {
      io.out(text);
      return await printed(io, 0);
    }
    refuseChangedWords(argv);
    if (words) (await import("../args/help_word.ts")).refuseHelpWord(words, argv, operands);
    const exitCode = await progress.of(command.work({
      flags,
      operands,
      repeated,
      io,
      progress,
      tellBy: (logger) => failures.logger = logger,
      note: (message) => failures.note(message),
    }));
    return prints ? await printed(io, exitCode) : exitCode;
  } catch (error) {
    const verdict = progress.verdictOf(error);
    failures.tell(verdict);
    return verdict.exitCode;
  } finally {
    await failures.flush();
    if (prints) await io.flush?.();
  }
}

/** The text for `--help` or `--version`; undefined without these flags. */
async function askedText(
  flags: ReadonlyMap<string, string>,
  words: Subcommand | undefined,
): Promise<string | undefined> {
  if (isAsked(flags, "help")) {
    const { helpText, subcommandHelp } = await import("../args/usage.ts");
    return words ? subcommandHelp(words) : helpText(await loadSubcommands());
  }
  return isAsked(flags, "version") ? `sera ${VERSION}\n` : undefined;
}

async function printed(io: Io, exitCode: number): Promise<number> {
  const { afterPrinting } = await import("./after_printing.ts");
  return await afterPrinting(io, exitCode);
}
