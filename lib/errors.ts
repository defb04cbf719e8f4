import { ExitCode } from "./exit_codes.ts";

/** What is wrong, and what to do about it where that can be said. */
export interface Trouble {
  readonly what: string;
  readonly cure?: string | undefined;
}

/** Trouble on one line. The two are joined here, and nobody takes them apart again. */
export function lineOf({ what, cure }: Trouble): string {
  return cure === undefined ? what : `${what}; ${cure}`;
}

/** An error that says what is wrong and what to do; its message is both on one line. */
export class TroubleError extends Error implements Trouble {
  readonly what: string;
  readonly cure: string | undefined;

  /**
   * @param what What failed, and the value.
   * @param cure What to do about it.
   */
  constructor(what: string, cure?: string, options?: ErrorOptions) {
    super(lineOf({ what, cure }), options);
    this.what = what;
    this.cure = cure;
  }
}

/** A failure that ends sera with one line on stderr and an exit code of its own. */
export abstract class SeraError extends TroubleError {
  /** The status that sera exits with. */
  abstract readonly exitCode: number;
}

/** The configuration cannot be used. */
export class ConfigError extends SeraError {
  override readonly exitCode = ExitCode.badConfig;
}

/** The arguments are wrong. */
export class UsageError extends SeraError {
  override readonly exitCode = ExitCode.badArguments;
}

/** What one may know of a lock that could not be asked for, besides what is wrong. */
export interface LockTrouble extends ErrorOptions {
  /** Whether the same request may succeed a moment later, so that a retry inside the wait makes sense. */
  readonly transient?: boolean | undefined;
  /** What is wrong, without where, and without what it kept sera from: for those who were kept from something else. */
  readonly why?: string;
  /** The server that the lock was to be on; see {@linkcode LockUnavailableError.on}. */
  readonly where?: string | undefined;
}

/** The lock could not be asked for; never thrown because somebody else holds it. */
export class LockUnavailableError extends SeraError {
  override readonly exitCode = ExitCode.lockUnavailable;
  readonly transient: boolean;
  readonly why: string;
  readonly where: string | undefined;

  /** @param about By default it is not transient, and `why` is `what`. */
  constructor(what: string, cure?: string, about: LockTrouble = {}) {
    super(what, cure, about);
    this.transient = about.transient ?? false;
    this.why = about.why ?? what;
    this.where = about.where;
  }

  /**
   * The error for a lock on a server.
   *
   * @param where The server: "MySQL at tcp(db.example.com:3306)".
   */
  static on<E extends LockUnavailableError>(
    this: new (what: string, cure?: string, about?: LockTrouble) => E,
    where: string,
    { what, cure }: Trouble,
    about?: Pick<LockTrouble, "transient" | "cause">,
  ): E {
    return new this(`Cannot lock on ${where}: ${what}`, cure, { ...about, why: what, where });
  }

  /** What is wrong where, without what it kept sera from. */
  get reason(): string {
    return this.where === undefined ? this.why : `${this.where}: ${this.why}`;
  }
}

/** A server that is no place for a lock now; where it was one before, its address may soon lead to one that is. */
export class UnfitServerError extends LockUnavailableError {}

/** A server that would lock, but not for everybody; `--allow-unsafe-server` takes it all the same. */
export class UnsafeServerError extends UnfitServerError {}

/** The lock was lost before the command was started. */
export class LockLostEarlyError extends LockUnavailableError {
  constructor(what: string, cure?: string) {
    super(what, cure, { transient: true });
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
  constructor(what: string, cure?: string, readonly within = 0) {
    super(what, cure);
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
}

/** A signal ended sera before the command was started. Carries no message: the sender knows. */
export class InterruptedError extends Error {
  /** The status that sera exits with: 128+n. */
  readonly exitCode: number;

  /** @param signalNumber The number of the signal. */
  constructor(signalNumber: number) {
    super(`Interrupted by signal ${signalNumber}`);
    this.exitCode = 128 + signalNumber;
  }
}

/** What anything that was thrown says of itself; of what is no {@linkcode TroubleError} the cure is not known. */
export function troubleOf(error: unknown): Trouble {
  return error instanceof TroubleError ? error : { what: messageOf(error) };
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
