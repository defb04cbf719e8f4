import { flagSpecs, HELP_FLAG, VERSION_FLAG } from "./args/flag.ts";
import { isAsked } from "./args/is_asked.ts";
import { readOperands } from "./args/operands.ts";
import { refuseChangedWords } from "./system/raw_words.ts";
import { readFlags } from "./args/read_flags.ts";
import { SETTINGS } from "./settings/table.ts";
import { runUnderLock } from "./commands/run.ts";
import { resolveSettings } from "./settings/resolve.ts";
import { foundFlag } from "./settings/outside.ts";
import type { Io } from "./io.ts";
import { Failures } from "./log/failures.ts";
import { Logger } from "./log/logger.ts";
import { Progress } from "./progress.ts";
import { loadSubcommand } from "./commands/load.ts";
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
  const specs = flagSpecs([...SETTINGS, VERSION_FLAG, HELP_FLAG]);
  const failures = new Failures(io, async () => {
    return await (await import("./args/asked_format.ts")).askedFormat(argv, specs, io.env);
  });
  const progress = new Progress(failures.tell);
  try {
    const { flags, operands, repeated } = await readFlags(argv, specs);
    if (isAsked(flags, "help")) {
      io.out((await import("./args/usage.ts")).helpText());
      return await printed(io);
    }
    if (isAsked(flags, "version")) {
      io.out(`sera ${VERSION}\n`);
      return await printed(io);
    }

    const request = await readOperands(operands, flags).catch(async (error: unknown) => {
      throw (await import("./settings/wrong_values.ts")).firstWrong((key) => foundFlag(flags, key)) ?? error;
    });
    refuseChangedWords(argv);
    const settings = await resolveSettings(flags, io.env, false, repeated);
    if (SETTINGS.some(({ name, needs, harmless }) => needs && !harmless && flags.has(name))) {
      (await import("./settings/without_effect.ts")).refuseWithoutEffect(settings, flags);
    }
    const logger = failures.logger = new Logger(io, settings.logging, request.words.join(" "));
    return await progress.of(runUnderLock(request, settings, io, logger, progress));
  } catch (error) {
    const verdict = progress.verdictOf(error);
    failures.tell(verdict);
    return verdict.exitCode;
  } finally {
    await failures.flush();
  }
}

/** For a text that was asked for, and nothing else. Gives the exit code. */
async function printed(io: Io): Promise<number> {
  const { afterPrinting } = await import("./commands/after_printing.ts");
  return await afterPrinting(io, 0);
}
