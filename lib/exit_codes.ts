/**
 * Every exit code that is sera's own. Scripts test these numbers, so none of them may change. Any other code is the
 * command's, or 128+n when signal n ended the command, or ended sera while it waited.
 */
export const ExitCode = {
  /** Success; also a skipped run, unless `--detailed-exit-codes` is set. */
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
  /** The lock was lost, or somebody asked for it, while the command ran; the command was stopped. */
  lockLost: 206,
  /** The command ran past `--max-run`; it was stopped. */
  maxRun: 207,
  /** sera itself failed while the command ran; the command was stopped. */
  seraFailed: 208,
  /** A list or a help text could not be printed; a run never ends with this code. */
  notPrinted: 209,
} as const;
