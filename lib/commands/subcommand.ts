import { isAsked } from "../args/is_asked.ts";
import { refuseChangedWords } from "../args/raw_words.ts";
import { readFlags } from "../args/read_flags.ts";
import { subcommandFlags } from "../args/subcommands.ts";
import { subcommandHelp } from "../args/usage.ts";
import { verdictOf } from "../errors.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import { Logger } from "../log/logger.ts";
import { Progress } from "../progress.ts";

/** What a subcommand does once its flags are read. Gives the exit code. */
export type Task = (flags: ReadonlyMap<string, string>, operands: readonly string[]) => Promise<number>;

/**
 * Reads a subcommand's flags, answers `--help`, and tells of what went wrong as a run does.
 *
 * @param argv The words after the subcommand's name.
 * @returns The exit code.
 */
export async function runSubcommand(name: string, argv: readonly string[], io: Io, task: Task): Promise<number> {
  const tell = ({ message, exitCode }: ReturnType<typeof verdictOf>) =>
    new Logger(io, { format: "text" }, "").log("error", "error", message, { exitCode });
  const progress = new Progress(tell);
  try {
    const { flags, operands } = await readFlags(argv, subcommandFlags(name), name);
    if (isAsked(flags, "help")) {
      io.out(subcommandHelp(name));
      return ExitCode.ok;
    }
    refuseChangedWords(argv);
    return await progress.of(task(flags, operands));
  } catch (error) {
    const verdict = verdictOf(error);
    tell(verdict);
    return verdict.exitCode;
  } finally {
    // There is no lock that others wait for, and what was asked for may be long.
    await io.flush?.();
  }
}
