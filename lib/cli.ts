import { flagSpecs } from "./args/flag.ts";
import { isAsked } from "./args/is_asked.ts";
import { readOperands } from "./args/operands.ts";
import { refuseChangedWords } from "./args/raw_words.ts";
import { readFlags } from "./args/read_flags.ts";
import { RUN_FLAGS } from "./args/run_help.ts";
import { environmentName } from "./args/settings_table.ts";
import { runUnderLock } from "./commands/run.ts";
import { tell } from "./commands/tell.ts";
import { DEPENDENT, resolveSettings } from "./config/config.ts";
import { ExitCode } from "./exit_codes.ts";
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
    const { flags, operands } = await readFlags(argv, flagSpecs(RUN_FLAGS));
    if (isAsked(flags, "help")) {
      io.out((await import("./args/usage.ts")).helpText());
      await io.flush?.();
      return ExitCode.ok;
    }
    if (isAsked(flags, "version")) {
      io.out(`sera ${VERSION}\n`);
      return ExitCode.ok;
    }

    // Machines want their format for errors in the arguments and settings too.
    const format = flags.get("log-format") ?? io.env(environmentName("log-format"));
    if (format === "json") logger = new Logger(io, { format }, "");
    const request = await readOperands(operands, flags.has("server"));
    refuseChangedWords(argv);
    const settings = await resolveSettings(flags, io.env);
    if (DEPENDENT.some((name) => flags.has(name))) {
      (await import("./config/without_effect.ts")).refuseWithoutEffect(settings);
    }
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
