import { parseGoFlags } from "../args/go_flags.ts";
import { isAsked } from "../args/is_asked.ts";
import { refuseChangedWords } from "../args/raw_words.ts";
import { subcommandFlags } from "../args/subcommands.ts";
import { subcommandHelp } from "../args/usage.ts";
import { verdictOf } from "../errors.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import { Failures } from "../log/failures.ts";
import { Progress } from "../progress.ts";
import { afterPrinting } from "./after_printing.ts";

/**
 * What a subcommand does once its flags are read. Gives the exit code.
 *
 * @param note Says on stderr what the user has to know besides.
 */
export type Task = (
  flags: ReadonlyMap<string, string>,
  operands: readonly string[],
  note: (message: string) => Promise<void>,
) => Promise<number>;

/**
 * Reads a subcommand's flags, answers `--help`, and tells of what went wrong as a run does.
 *
 * @param argv The words after the subcommand's name.
 * @returns The exit code.
 */
export async function runSubcommand(name: string, argv: readonly string[], io: Io, task: Task): Promise<number> {
  const specs = subcommandFlags(name);
  const failures = new Failures(io, argv, specs);
  const progress = new Progress(failures.tell);
  try {
    const { flags, operands } = parseGoFlags(argv, specs, `sera ${name} --help`);
    if (isAsked(flags, "help")) {
      io.out(subcommandHelp(name));
      return await afterPrinting(io, ExitCode.ok);
    }
    refuseChangedWords(argv);
    return await afterPrinting(io, await progress.of(task(flags, operands, (message) => failures.note(message))));
  } catch (error) {
    const verdict = verdictOf(error);
    failures.tell(verdict);
    return verdict.exitCode;
  } finally {
    await failures.flush();
    await io.flush?.();
  }
}
