import { delayOrAbort } from "../deadline.ts";
import { formatDuration } from "../duration.ts";
import { LockLostError, messageOf } from "../errors.ts";
import { Heartbeat } from "./heartbeat.ts";
import { endsAfter, graceOf, heartbeatOf, type LeaseTerms, Moment, stopsAfter } from "./lease.ts";
import type { HeldLock } from "./lock.ts";
import type { Fate, LockFile } from "./lock_file.ts";

/** How long a look at the file is fresh enough to start a command on, in milliseconds. */
const FRESH = 1000;

/** After how long to renew the file's times, in milliseconds: those who clear folders up count in days. */
const TOUCH_AFTER = 3_600_000;

/**
 * A lock on a file. The kernel keeps it until this process ends; but it excludes only those who meet it at its path, and
 * so it is lost when the file is removed or replaced.
 */
export class HeldFileLock implements HeldLock {
  readonly session = undefined;
  readonly #file: LockFile;
  readonly #terms: LeaseTerms;
  readonly #lost = new AbortController();
  readonly #heartbeat: Heartbeat;
  #seen = new Moment();
  #touched = new Moment();
  #freed = false;

  /** @param file Locked, and at its path. */
  constructor(file: LockFile, terms: LeaseTerms) {
    this.#file = file;
    this.#terms = terms;
    this.#heartbeat = new Heartbeat(heartbeatOf(terms), () => this.#look(), () => undefined);
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async confirm(): Promise<void> {
    if (!this.lost.aborted && this.#seen.age > FRESH) await this.#look();
    if (this.lost.aborted) throw this.lost.reason;
  }

  /** @throws {LockLostError} When the lock is lost; then {@linkcode lost} has fired. */
  async #look(): Promise<void> {
    const asked = new Moment();
    const fate = await this.#fateInTime();
    if (this.#freed) return;
    if (fate !== "there" && fate !== "unseen") {
      const why = fate === "unanswered"
        ? `no answer of its file system for ${formatDuration(Math.round(this.#seen.age))}`
        : `the lock file was ${fate}`;
      const left = fate === "unanswered" ? Math.max(0, endsAfter(this.#terms) - this.#seen.age) : Infinity;
      this.#lost.abort(
        new LockLostError(`Lock lost: ${why}: ${this.#file.path}`, Math.min(left, graceOf(this.#terms))),
      );
      throw this.lost.reason;
    }
    this.#seen = asked;
    if (this.#touched.age < TOUCH_AFTER) return;
    this.#touched = asked;
    this.#file.touch();
  }

  /** A network file system that does not answer may give the lock to another meanwhile, as a database may. */
  async #fateInTime(): Promise<Fate | "unseen" | "unanswered"> {
    const answered = new AbortController();
    // Where this user cannot look, none of its seras can lock either. The end of the hold says so.
    const fate = this.#file.fate().catch((error: unknown) => {
      if (error instanceof Error) return "unseen" as const;
      throw error;
    });
    const over = delayOrAbort(Math.max(0, stopsAfter(this.#terms) - this.#seen.age), answered.signal);
    try {
      return await Promise.race([fate, over.then(() => "unanswered" as const)]);
    } finally {
      answered.abort();
    }
  }

  async release(): Promise<void> {
    const { path } = this.#file;
    if (this.#freed) throw new LockLostError(`The lock was given back before: ${path}`);
    this.#heartbeat[Symbol.dispose]();
    let trouble: string | undefined;
    try {
      const fate = await this.#file.fate();
      if (fate !== "there") trouble = `The lock file was ${fate} while it was held: ${path}`;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      trouble = `Cannot look at the lock file any more: ${path}: ${messageOf(error)}`;
    }
    this.free();
    if (trouble !== undefined) throw new LockLostError(trouble);
  }

  /** Gives the lock back without a look at it. */
  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    this.#heartbeat[Symbol.dispose]();
    this.#file.close();
  }
}
