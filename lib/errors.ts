import { ExitCode } from "./exit_codes.ts";

/** What is wrong, and what to do about it, if sera knows. */
export interface Trouble {
  readonly what: string;
  readonly cure?: string | undefined;
}

/** Both on one line. Only this function joins them, and nothing splits them again. */
export function lineOf({ what, cure }: Trouble): string {
  return cure === undefined ? what : `${what}; ${cure}`;
}

/** An error with a cure; its message is both on one line. */
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

/** Details of a {@linkcode LockUnavailableError}. */
export interface LockUnavailableOptions extends ErrorOptions {
  /** Whether a retry may succeed a moment later. */
  readonly transient?: boolean | undefined;
  /** What is wrong, without "Cannot lock on SERVER:", for commands that do not lock. */
  readonly why?: string;
  /** The server that keeps the lock; see {@linkcode LockUnavailableError.on}. */
  readonly where?: string | undefined;
}

/** The server could not be asked for the lock. Never thrown just because somebody else holds it. */
export class LockUnavailableError extends SeraError {
  override readonly exitCode = ExitCode.lockUnavailable;
  readonly transient: boolean;
  readonly why: string;
  readonly where: string | undefined;

  /** @param about By default not transient, with `what` for `why`. */
  constructor(what: string, cure?: string, about: LockUnavailableOptions = {}) {
    super(what, cure, about);
    this.transient = about.transient ?? false;
    this.why = about.why ?? what;
    this.where = about.where;
  }

  /** @param where The server: "MySQL at tcp(db.example.com:3306)". */
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

/** A server that cannot keep locks now, such as a replica. After a failover its address may lead to one that can. */
export class UnfitServerError extends LockUnavailableError {}

/** A server whose locks are not cluster-wide; `--allow-unsafe-server` accepts it. */
export class UnsafeServerError extends UnfitServerError {}

/** The lock is held with another number of slots. */
export class OtherSlotsError extends UsageError {
  /** @param slots The holder's number: 1 without `--slots`, 0 if not known. */
  constructor(readonly slots: number, readonly asked: number, lock = "The lock") {
    const held = slots === 0 ? "another number of slots" : `--slots ${slots}${slots === 1 ? " (the default)" : ""}`;
    super(
      `${lock} is held with ${held}, but this run has --slots ${asked}${asked === 1 ? " (the default)" : ""}`,
      "use the same --slots on all nodes; a new number applies once nobody holds the lock",
    );
  }
}

/** The lock is held, and as many wait for it as max-waiters allows. Ends sera like a wait that ran out. */
export class QueueFullError extends Error {
  /** @param limit How many may wait. */
  constructor(readonly limit: number) {
    const waiting = limit === 0
      ? "nobody may wait"
      : limit === 1
      ? "one run already waits"
      : `${limit} runs already wait`;
    super(`${waiting} for it (--max-waiters ${limit})`);
  }
}

/** Somebody else holds the lock. For subcommands that then fail with a message; a run reports a busy lock by its outcome. */
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

/** Somebody asked sera to stop its command and to release the lock, which it still holds. */
export class AskedToEndError extends SeraError {
  override readonly exitCode = ExitCode.lockLost;

  /** @param label Who asked and how, such as `unlock by root`; undefined if not known. */
  constructor(label = "unlock by somebody who may use the server", host = "") {
    super(`Asked to release the lock: ${label}${host && `@${host}`}`);
  }
}

/** The output of a subcommand or of `--help` could not be written. */
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

/** A signal ended sera before the command was started. Not reported as an error: whoever sent the signal knows. */
export class InterruptedError extends Error {
  /** The status that sera exits with: 128+n. */
  readonly exitCode: number;
  constructor(signalNumber: number) {
    super(`Interrupted by signal ${signalNumber}`);
    this.exitCode = 128 + signalNumber;
  }
}

/** The `what` and `cure` of a thrown value; only a {@linkcode TroubleError} has a cure. */
export function troubleOf(error: unknown): Trouble {
  return error instanceof TroubleError ? error : { what: messageOf(error) };
}

/**
 * The message of a thrown value, without what Deno or its Node.js layer adds to the system's message: error name and
 * number, function, and path, which may hold a secret.
 */
export function messageOf(error: unknown): string {
  // Deno's message recommends Deno flags, which users of the compiled program cannot set.
  if (error instanceof Deno.errors.NotCapable) return "sera cannot open files in /dev, /proc or /sys";
  return (error instanceof Error ? error.message : String(error))
    .replace(/^Failed to spawn '.*': /s, "")
    .replace(/^E[A-Z0-9]+: (.*?)(, \w+ '.*')?$/s, "$1")
    .replace(/ \(os error \d+\).*$/s, "")
    .replace(/(unexpected NUL byte): .*/s, "$1");
}
