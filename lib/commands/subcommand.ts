import { isAsked } from "../args/is_asked.ts";
import { refuseChangedWords } from "../system/raw_words.ts";
import { refuseHelpWord } from "../args/help_word.ts";
import { readFlags } from "../args/read_flags.ts";
import { subcommandFlags } from "../args/subcommands.ts";
import { subcommandHelp } from "../args/usage.ts";
import { verdictOf } from "../verdict.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import { Failures } from "../log/failures.ts";
import { Progress } from "../progress.ts";
import { afterPrinting } from "./after_printing.ts";

/**
 * What a subcommand does once its flags are read. Gives the exit code.
 *
 * @param note Says on stderr what the user has to know besides.
 * @param repeated The flags that were given with several values.
 */
export type Task = (
  flags: ReadonlyMap<string, string>,
  operands: readonly string[],
  note: (message: string) => Promise<void>,
  repeated: readonly string[],
) => Promise<number>;

/**
 * Reads a subcommand's flags, answers `--help`, and tells of what went wrong as a run does.
 *
 * @param argv The words after the subcommand's name.
 * @returns The exit code.
 */
export async function runSubcommand(name: string, argv: readonly string[], io: Io, task: Task): Promise<number> {
  const specs = subcommandFlags(name);
  const failures = new Failures(io, async () => {
    return await (await import("../args/asked_format.ts")).askedFormat(argv, specs, io.env);
  });
  const progress = new Progress(failures.tell);
  try {
    const { flags, operands, repeated } = await readFlags(argv, specs, name);
    if (isAsked(flags, "help")) {
      io.out(subcommandHelp(name));
      return await afterPrinting(io, ExitCode.ok);
    }
    refuseChangedWords(argv);
    refuseHelpWord(name, argv, operands);
    const note = (message: string) => failures.note(message);
    return await afterPrinting(io, await progress.of(task(flags, operands, note, repeated)));
  } catch (error) {
    const verdict = verdictOf(error);
    failures.tell(verdict);
    return verdict.exitCode;
  } finally {
    await failures.flush();
    await io.flush?.();
  }
}
