import { ExitCode } from "../exit_codes.ts";

/** An exit status and what it means, in the lines of the help text. */
export type ExitStatus = readonly [status: string | number, ...meaning: readonly string[]];

/** Statuses that runs and subcommands share. */
export const BAD_CONFIG: ExitStatus = [ExitCode.badConfig, "the configuration cannot be used"];
export const BAD_ARGUMENTS: ExitStatus = [ExitCode.badArguments, "the arguments are wrong"];
export const LOCK_UNAVAILABLE: ExitStatus = [
  ExitCode.lockUnavailable,
  "sera could not ask for the lock: server unreachable or unsuitable",
];

/** An output that failed. */
export const NOT_PRINTED: ExitStatus = [ExitCode.notPrinted, "the output could not be written"];
/** As the shell reports a program that SIGPIPE ended: 128 + 13. */
export const BROKEN_PIPE: ExitStatus = [141, "the reader closed the pipe early, as head does"];

/** How a run ends. */
export const RUN_STATUSES: readonly ExitStatus[] = [
  ["any", "the command's own; 128+n if signal n ended it"],
  BAD_CONFIG,
  BAD_ARGUMENTS,
  LOCK_UNAVAILABLE,
  [ExitCode.commandNotStarted, "the command could not be started"],
  [
    ExitCode.busy,
    "the wait ran out, too many already wait, or a later --replace came;",
    "the command did not run",
  ],
  [ExitCode.skipped, "skipped, with --detailed-exit-codes (without it: 0)"],
  [
    ExitCode.lockLost,
    "the lock was lost, or given up on request (sera unlock, --replace);",
    "the command was stopped",
  ],
  [ExitCode.maxRun, "the command ran past --max-run and was stopped"],
  [ExitCode.seraFailed, "sera itself failed while the command ran; the command was stopped"],
  [ExitCode.notPrinted, "the output of --help, --version or --dry-run could not be written"],
  [BROKEN_PIPE[0], "its reader closed the pipe early, as head does"],
  ["128+n", "signal n ended sera while it waited"],
];
