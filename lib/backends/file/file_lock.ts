import { within } from "../../waiting.ts";
import { LockLostError, messageOf } from "../../errors.ts";
import { Heartbeat } from "../../lock/heartbeat.ts";
import { graceOf, heartbeatOf, type LeaseTerms, Moment, stopsAfter } from "../../lock/lease.ts";
import type { HeldLock } from "../../lock/lock.ts";
import type { LockFile } from "./lock_file.ts";

/** How long a look at the file is fresh enough to start a command on, in milliseconds. */
const FRESH = 1000;

/** Why a lock is lost. */
const REMOVED = "the lock file was removed";

/** After how long to renew the file's times, in milliseconds: those who clear folders up count in days. */
const TOUCH_AFTER = 3_600_000;

/**
 * A lock on a file. The kernel keeps it until this process ends; but it excludes only those who meet it at its path, and
 * so it is lost when the file is removed or replaced.
 */
export class HeldFileLock implements HeldLock {
  readonly session = undefined;
  /** The kernel lets a sera that is stopped keep it. */
  readonly left = Infinity;
  onRenewed = undefined;
  readonly #file: LockFile;
  readonly #terms: LeaseTerms;
  readonly #lost = new AbortController();
  readonly #heartbeat: Heartbeat;
  #seen = new Moment();
  #touched = new Moment();
  #freed = false;
  #heldToEnd = false;

  /** @param file Locked, and at its path. */
  constructor(file: LockFile, terms: LeaseTerms) {
    this.#file = file;
    this.#terms = terms;
    this.#heartbeat = new Heartbeat(heartbeatOf(terms), () => this.#look(), () => undefined);
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  get heldToEnd(): boolean {
    return this.#heldToEnd;
  }

  commandEnded(): void {
    if (this.lost.aborted) return;
    try {
      this.#heldToEnd = this.#file.isInPlace();
    } catch (error) {
      // Where this user cannot look, the end of the hold says so.
      if (!(error instanceof Error)) throw error;
      return;
    }
    if (!this.#heldToEnd) this.#lost.abort(this.#reason(REMOVED));
  }

  async confirm(): Promise<void> {
    if (!this.lost.aborted && this.#seen.age > FRESH) await this.#look();
    if (this.lost.aborted) throw this.lost.reason;
  }

  /** @throws {LockLostError} When the lock is lost; then {@linkcode lost} has fired. */
  async #look(): Promise<void> {
    const asked = new Moment();
    const found = await this.#find();
    if (this.#freed) return;
    if (found === "removed") this.#lose(REMOVED);
    if (found === "unanswered") this.#lose("its file system does not answer");
    this.#seen = asked;
    if (this.#touched.age < TOUCH_AFTER) return;
    this.#touched = asked;
    this.#file.touch();
  }

  #lose(why: string): never {
    const lost = this.#reason(why);
    this.#lost.abort(lost);
    throw lost;
  }

  #reason(why: string): LockLostError {
    return new LockLostError(`Lock lost: ${why}: ${this.#file.path}`, undefined, graceOf(this.#terms));
  }

  /** A network file system that does not answer may give the lock to another meanwhile, as a database may. */
  async #find(): Promise<"there" | "removed" | "unanswered" | Error> {
    const found = this.#file.isStillInPlace().then(
      (there) => there ? "there" as const : "removed" as const,
      (error: unknown) => {
        // Where this user cannot look, none of its seras can lock either. The end of the hold says so.
        if (error instanceof Error) return error;
        throw error;
      },
    );
    // In halves: should sera be suspended meanwhile, one of them may be over at once, but not both.
    const half = (stopsAfter(this.#terms) - heartbeatOf(this.#terms)) / 2;
    return await within(half, found) ?? await within(half, found) ?? "unanswered";
  }

  release(): Promise<void> {
    const { path } = this.#file;
    if (this.#freed) return Promise.reject(new LockLostError(`The lock was given back before: ${path}`));
    this.#heartbeat[Symbol.dispose]();
    // Not as the looks before: to free the lock asks the same file system, and waits for it.
    const trouble = this.#trouble(path);
    this.free();
    return trouble === undefined ? Promise.resolve() : Promise.reject(new LockLostError(trouble));
  }

  #trouble(path: string): string | undefined {
    try {
      return this.#file.isInPlace() ? undefined : `The lock file was removed while it was held: ${path}`;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return `Cannot look at the lock file any more: ${path}: ${messageOf(error)}`;
    }
  }

  /** Gives the lock back without a look at it. */
  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    this.#heartbeat[Symbol.dispose]();
    this.#file.close();
  }
}
