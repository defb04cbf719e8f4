/**
 * Every exit status that is sera's own. The list is closed and a contract: scripts test these numbers. Any other status
 * is the command's, or 128+n when signal n ended the command, or ended sera while it waited.
 */
export const ExitCode = {
  /** All is well; also a skipped run, unless `--detailed-exit-codes` asks to tell it apart. */
  ok: 0,
  /** The configuration cannot be used. */
  badConfig: 200,
  /** The arguments are wrong. */
  badArguments: 201,
  /** The lock could not be asked for: the server is unreachable, refuses, or is unsuitable. */
  lockUnavailable: 202,
  /** The command could not be started. */
  commandNotStarted: 203,
  /** The wait ran out; the command did not run. */
  busy: 204,
  /** Skipped, with `--detailed-exit-codes`. */
  skipped: 205,
  /** The lock was lost while the command ran; the command was stopped. */
  lockLost: 206,
  /** The command ran past `--max-run`; it was stopped. */
  maxRun: 207,
  /** sera itself failed while the command ran; the command was stopped. */
  seraFailed: 208,
  /** What was asked for, such as a list or a help text, could not be printed; never a run's. */
  notPrinted: 209,
} as const;
