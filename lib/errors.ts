import { ExitCode } from "./exit_codes.ts";

/** What is wrong, and what to do about it if sera knows that. */
export interface Trouble {
  readonly what: string;
  readonly cure?: string | undefined;
}

/** Trouble on one line. This is the only place that joins the two, and nothing splits them again. */
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

/** More about a lock that could not be asked for. */
export interface LockUnavailableOptions extends ErrorOptions {
  /** Whether the same request may succeed a moment later, so that a retry inside the wait makes sense. */
  readonly transient?: boolean | undefined;
  /** What is wrong, without the server and without "Cannot lock": for commands that do not lock. */
  readonly why?: string;
  /** The server that keeps the lock; see {@linkcode LockUnavailableError.on}. */
  readonly where?: string | undefined;
}

/** The lock could not be asked for; never thrown because somebody else holds it. */
export class LockUnavailableError extends SeraError {
  override readonly exitCode = ExitCode.lockUnavailable;
  readonly transient: boolean;
  readonly why: string;
  readonly where: string | undefined;

  /** @param about By default the error is not transient, and `why` is `what`. */
  constructor(what: string, cure?: string, about: LockUnavailableOptions = {}) {
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
    this: new (what: string, cure?: string, about?: LockUnavailableOptions) => E,
    where: string,
    { what, cure }: Trouble,
    about?: Pick<LockUnavailableOptions, "transient" | "cause">,
  ): E {
    return new this(`Cannot lock on ${where}: ${what}`, cure, { ...about, why: what, where });
  }

  /** The server and what is wrong there, without "Cannot lock". */
  get reason(): string {
    return this.where === undefined ? this.why : `${this.where}: ${this.why}`;
  }
}

/**
 * A server that cannot keep a lock now, such as a replica. If it could before, its address may soon lead to one that can,
 * as after a failover.
 */
export class UnfitServerError extends LockUnavailableError {}

/** A server whose locks are not cluster-wide; `--allow-unsafe-server` accepts it. */
export class UnsafeServerError extends UnfitServerError {}

/** The present holder uses another number of slots: 1 if it runs without `--slots`. */
export class OtherSlotsError extends UsageError {
  constructor(readonly slots: number, readonly asked: number) {
    super(
      `The lock is held with ${slots} ${slots === 1 ? "slot" : "slots"}, not with ${asked}`,
      "use the same --slots on all nodes; a new number applies once nobody holds the lock",
    );
  }
}

/** The lock is busy, and as many wait for it as are allowed to. Ends sera as a wait that ran out. */
export class QueueFullError extends Error {
  /** @param limit How many may wait. */
  constructor(readonly limit: number) {
    super(`${limit === 0 ? "nobody may" : `${limit} already`} wait for it (max-waiters ${limit})`);
  }
}

/** Somebody else holds the lock, where that ends sera with a message. */
export class LockBusyError extends SeraError {
  override readonly exitCode = ExitCode.busy;
}

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

  /** @param within How long the command may take to end before the lease runs out, in milliseconds. */
  constructor(what: string, cure?: string, readonly within = 0) {
    super(what, cure);
  }
}

/** Somebody has asked sera to stop its command and to release the lock, which is still held. */
export class AskedToEndError extends SeraError {
  override readonly exitCode = ExitCode.lockLost;

  /**
   * @param label Who asked and how, such as `unlock by root`; undefined if not known.
   * @param host Where.
   */
  constructor(label = "unlock by somebody who may use the server", host = "") {
    super(`Asked to release the lock: ${label}${host && `@${host}`}`);
  }
}

/** A list or a text that the user asked for could not be printed. */
export class OutputError extends SeraError {
  override readonly exitCode = ExitCode.notPrinted;
}

/** The command ran past `--max-run`. */
export class MaxRunError extends SeraError {
  override readonly exitCode = ExitCode.maxRun;
}

/** sera itself failed while the command ran, and could no longer supervise it. */
export class SeraFailedError extends SeraError {
  override readonly exitCode = ExitCode.seraFailed;
}

/** A signal ended sera before the command was started. Not reported as an error: whoever sent it knows. */
export class InterruptedError extends Error {
  /** The status that sera exits with: 128+n. */
  readonly exitCode: number;
  constructor(signalNumber: number) {
    super(`Interrupted by signal ${signalNumber}`);
    this.exitCode = 128 + signalNumber;
  }
}

/** The trouble that a thrown value reports; only a {@linkcode TroubleError} has a cure. */
export function troubleOf(error: unknown): Trouble {
  return error instanceof TroubleError ? error : { what: messageOf(error) };
}

/**
 * The message of a thrown value, without what Deno or its Node.js layer adds to the system's message: the error's name
 * and number, the function called, and the path, which may hold a secret.
 */
export function messageOf(error: unknown): string {
  // Deno's own message advises flags for Deno, which a user of the compiled program cannot set.
  if (error instanceof Deno.errors.NotCapable) return "sera cannot open files in /dev, /proc or /sys";
  return (error instanceof Error ? error.message : String(error))
    .replace(/^Failed to spawn '.*': /s, "")
    .replace(/^E[A-Z0-9]+: (.*?)(, \w+ '.*')?$/s, "$1")
    .replace(/ \(os error \d+\).*$/s, "")
    .replace(/(unexpected NUL byte): .*/s, "$1");
}
