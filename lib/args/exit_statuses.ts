import { ExitCode } from "../exit_codes.ts";

/** An exit status and what it means, in the lines of the help text. */
export type ExitStatus = readonly [status: string | number, ...meaning: readonly string[]];

/** The statuses that runs and subcommands have in common. */
export const BAD_CONFIG: ExitStatus = [ExitCode.badConfig, "the configuration cannot be used"];
export const BAD_ARGUMENTS: ExitStatus = [ExitCode.badArguments, "the arguments are wrong"];
export const LOCK_UNAVAILABLE: ExitStatus = [
  ExitCode.lockUnavailable,
  "the lock could not be asked for: server unreachable or unsuitable",
];

/** How a run ends. */
export const RUN_STATUSES: readonly ExitStatus[] = [
  ["any", "the command's own; 128+n if signal n ended it"],
  BAD_CONFIG,
  BAD_ARGUMENTS,
  LOCK_UNAVAILABLE,
  [ExitCode.commandNotStarted, "the command could not be started"],
  [ExitCode.busy, "the wait ran out; the command did not run"],
  [ExitCode.skipped, "skipped, with --detailed-exit-codes (without it: 0)"],
  [ExitCode.lockLost, "the lock was lost while the command ran; the command was stopped"],
  [ExitCode.maxRun, "the command ran past --max-run and was stopped"],
  [ExitCode.seraFailed, "sera itself failed while the command ran; the command was stopped"],
  ["128+n", "signal n ended sera while it waited"],
];
