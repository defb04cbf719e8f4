import { DRY_RUN_FLAG, DRY_RUN_JSON_FLAG, HELP_FLAG, VERSION_FLAG } from "./args/flag.ts";
import { readOperands } from "./args/operands.ts";
import type { Call, Command } from "./commands/command.ts";
import { inFrame } from "./commands/frame.ts";
import { loadCommand, loadSubcommands } from "./commands/load.ts";
import { runUnderLock } from "./commands/run/run.ts";
import type { Io } from "./io.ts";
import { Logger } from "./log/logger.ts";
import { findFlag } from "./settings/flag_or_variable.ts";
import { resolveSettings } from "./settings/resolve.ts";
import { SETTINGS } from "./settings/table.ts";

/** The command without a name: runs another command under a lock. */
const RUN: Command = {
  flags: [...SETTINGS, DRY_RUN_FLAG, DRY_RUN_JSON_FLAG, VERSION_FLAG, HELP_FLAG],
  work: runCommand,
};

/**
 * The whole program, except that only main.ts exits.
 *
 * @param argv The words after the program's name.
 * @returns The exit code.
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const [first = "", ...rest] = argv;
  const command = await loadCommand(first);
  return command ? await inFrame(command, rest, io) : await inFrame(RUN, argv, io);
}

async function runCommand({ flags, operands, repeated, io, progress, setLogger }: Call): Promise<number> {
  const request = await readOperands(operands, flags, loadSubcommands).catch(async (error: unknown) => {
    throw (await import("./settings/wrong_values.ts")).firstWrong((key) => findFlag(flags, key)) ?? error;
  });
  const settings = await resolveSettings(flags, io.env, false, repeated);
  if (SETTINGS.some(({ name, needs, harmless }) => needs && !harmless && flags.has(name))) {
    (await import("./settings/without_effect.ts")).refuseWithoutEffect(settings, flags);
  }
  if (settings.replace || settings.slots !== undefined) {
    (await import("./settings/refuse_conflicts.ts")).refuseConflicts(settings, request.wait);
  }
  if (flags.has(DRY_RUN_FLAG.name) || flags.has(DRY_RUN_JSON_FLAG.name)) {
    const exitCode = await (await import("./commands/dry_run/dry_run.ts")).dryRunIfAsked(request, settings, io, flags);
    if (exitCode !== undefined) return exitCode;
  }
  const logger = new Logger(io, settings.logging, request.words.join(" "));
  setLogger(logger);
  return await runUnderLock(request, settings, io, logger, progress);
}
