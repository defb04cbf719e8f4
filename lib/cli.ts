import { flagSpecs } from "./args/flag.ts";
import { parseGoFlags } from "./args/go_flags.ts";
import { isAsked } from "./args/is_asked.ts";
import { readOperands } from "./args/operands.ts";
import { refuseChangedWords } from "./args/raw_words.ts";
import { RUN_FLAGS } from "./args/run_help.ts";
import { environmentName } from "./args/settings_table.ts";
import { runUnderLock } from "./commands/run.ts";
import { tell } from "./commands/tell.ts";
import { resolveSettings } from "./config/config.ts";
import type { Io } from "./io.ts";
import { Logger } from "./log/logger.ts";
import { Progress } from "./progress.ts";
import { loadSubcommand } from "./subcommands.ts";
import { VERSION } from "./version.ts";

/**
 * The whole program but for its exit.
 *
 * @param argv The words after the program's name.
 * @returns The exit code.
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const [first = "", ...rest] = argv;
  const subcommand = await loadSubcommand(first);
  if (subcommand) return await subcommand(rest, io);
  let logger = new Logger(io, { format: "text" }, "");
  const progress = new Progress(({ message, exitCode }) => tell(logger, "error", "error", message, { exitCode }));
  try {
    const { flags, operands } = parseGoFlags(argv, flagSpecs(RUN_FLAGS));
    if (isAsked(flags, "help")) {
      io.out((await import("./args/usage.ts")).helpText());
      return await printed(io);
    }
    if (isAsked(flags, "version")) {
      io.out(`sera ${VERSION}\n`);
      return await printed(io);
    }

    // Machines want their format for errors in the arguments and settings too.
    const format = flags.get("log-format") ?? io.env(environmentName("log-format"));
    if (format === "json") logger = new Logger(io, { format }, "");
    const request = await readOperands(operands, flags.has("server"));
    refuseChangedWords(argv);
    const settings = await resolveSettings(flags, io.env);
    logger = new Logger(io, settings.logging, request.words.join(" "));
    return await progress.of(runUnderLock(request, settings, io, logger, progress));
  } catch (error) {
    const { message, exitCode } = progress.verdictOf(error);
    tell(logger, "error", "error", message, { exitCode });
    return exitCode;
  } finally {
    await logger.flush();
  }
}

/** For a text that was asked for, and nothing else. Gives the exit code. */
async function printed(io: Io): Promise<number> {
  const { afterPrinting } = await import("./commands/after_printing.ts");
  return await afterPrinting(io, 0);
}
