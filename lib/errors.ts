import { ExitCode } from "./exit_codes.ts";
import { limitOf } from "./system/limits.ts";

/** A failure that ends sera with one line on stderr and an exit code of its own. */
export abstract class SeraError extends Error {
  /** The status that sera exits with. */
  abstract readonly exitCode: number;
}

/** The configuration cannot be used. The message says where, what, and what to do. */
export class ConfigError extends SeraError {
  override readonly exitCode = ExitCode.badConfig;
}

/** The arguments are wrong. */
export class UsageError extends SeraError {
  override readonly exitCode = ExitCode.badArguments;
}

/** The lock could not be asked for; never thrown because somebody else holds it. */
export class LockUnavailableError extends SeraError {
  override readonly exitCode = ExitCode.lockUnavailable;

  /**
   * @param message What failed, the value, what to do.
   * @param transient Whether the same request may succeed a moment later, so that a retry inside the wait makes sense.
   * @param reason What is wrong where, without saying what it kept sera from.
   */
  constructor(message: string, readonly transient = false, readonly reason = message) {
    super(message);
  }
}

/** A server that is no place for a lock now; where it was one before, its address may soon lead to one that is. */
export class UnfitServerError extends LockUnavailableError {}

/** A server that would lock, but not for everybody; `--allow-unsafe-server` takes it all the same. */
export class UnsafeServerError extends UnfitServerError {}

/** The lock was lost before the command was started. */
export class LockLostEarlyError extends LockUnavailableError {
  constructor(message: string) {
    super(message, true);
  }
}

/** The command could not be started. */
export class CommandStartError extends SeraError {
  override readonly exitCode = ExitCode.commandNotStarted;
}

/** The lock was lost while the command ran. */
export class LockLostError extends SeraError {
  override readonly exitCode = ExitCode.lockLost;

  /** @param within How long the command may take to end, in milliseconds, as far as the lease tells. */
  constructor(message: string, readonly within = 0) {
    super(message);
  }
}

/** What was asked for could not be printed. */
export class OutputError extends SeraError {
  override readonly exitCode = ExitCode.notPrinted;
}

/** The command ran longer than it may. */
export class MaxRunError extends SeraError {
  override readonly exitCode = ExitCode.maxRun;
}

/** sera itself failed while the command ran, so that nobody would look after it any more. */
export class SeraFailedError extends SeraError {
  override readonly exitCode = ExitCode.seraFailed;

  /** @param error What nobody expected. */
  constructor(error: unknown) {
    const limit = limitOf(error);
    const what = error instanceof SeraError ? error.message : originOf(error);
    super(
      limit === undefined
        ? `Unexpected error while the command ran, please report it: ${what}`
        : `Cannot go on while the command runs: ${limit}`,
      { cause: error },
    );
  }
}

/** A signal ended sera before the command was started. Carries no message: the sender knows. */
export class InterruptedError extends Error {
  /** @param signalNumber The number of the signal, for the exit status 128+n. */
  constructor(readonly signalNumber: number) {
    super(`Interrupted by signal ${signalNumber}`);
  }
}

/** What to say of anything that ended sera, in one line, and the status to exit with. */
export function verdictOf(error: unknown): { readonly message: string; readonly exitCode: number } {
  if (error instanceof SeraError) return error;
  const limit = limitOf(error);
  const message = limit === undefined
    ? `Unexpected error, please report it: ${originOf(error)}`
    : `Cannot go on: ${limit}`;
  return { message, exitCode: ExitCode.lockUnavailable };
}

/** What to say, in one line, of an error that came after the command's end, whose exit code stands. */
export function afterTheEnd(error: unknown): string {
  return `${verdictOf(error).message}; the command had ended before`;
}

/** The kind of an error that nobody foresaw, and where it arose. Not its message, which may hold any value, a password too. */
function originOf(error: unknown): string {
  if (!(error instanceof Error)) return `${kindOf(error)} was thrown`;
  const { code } = error as { readonly code?: unknown };
  const named = typeof code === "string" && /^[A-Z][A-Z0-9_]{1,40}$/.test(code)
    ? `${error.name} (${code})`
    : error.name;
  // The message stands before the frames, and may look like one.
  const frames = (error.stack ?? "").slice(`${error.name}: ${error.message}`.length);
  const places = [...frames.matchAll(/^ {4}at (?:async )?(?:([\w.#<> ]+) \()?(?:.*\/)?([\w.-]+:\d+:\d+)\)?$/gm)];
  const ours = places.slice(0, 3).map(([, name, place]) => name === undefined ? place : `${name} ${place}`);
  return ours.length === 0 ? named : `${named} at ${ours.join(", ")}`;
}

/** What a value that is no error is, without the value. */
function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/**
 * The message of anything that was thrown, without what the runtime, or Node.js in it, adds to the system's words: the
 * error's name and number, what was called, and the path, which may hold anything.
 */
export function messageOf(error: unknown): string {
  // It speaks of flags that whoever runs the program cannot give.
  if (error instanceof Deno.errors.NotCapable) return "sera may not open what is in /dev, /proc or /sys";
  return (error instanceof Error ? error.message : String(error))
    .replace(/^Failed to spawn '.*': /s, "")
    .replace(/^E[A-Z0-9]+: (.*?)(, \w+ '.*')?$/s, "$1")
    .replace(/ \(os error \d+\).*$/s, "")
    .replace(/(unexpected NUL byte): .*/s, "$1");
}
