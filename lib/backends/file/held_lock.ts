import { within } from "../../waiting.ts";
import { AskedToEndError, LockLostError, messageOf } from "../../errors.ts";
import { Heartbeat } from "../../lock/heartbeat.ts";
import { graceOf, heartbeatOf, type LeaseTerms, Moment, stopsAfter } from "../../lock/lease.ts";
import type { HeldLock } from "../../lock/lock.ts";
import type { LockFile } from "./lock_file.ts";

/** A command is started only if the file was checked no longer ago than this, in milliseconds. */
const FRESH = 1000;

/** The usual reason for a lost lock. */
const REMOVED = "the lock file was removed";

/** How often to renew the file's times, in milliseconds; programs that remove old files count in days. */
const TOUCH_AFTER = 3_600_000;

/**
 * A held lock on a file. The kernel keeps it until this process ends, but it excludes only those who open the same
 * path: it is lost when the file is removed or replaced.
 */
export class HeldFileLock implements HeldLock {
  readonly session = undefined;
  /** The kernel does not take a lock away, even from a suspended process. */
  readonly left = Infinity;
  onRenewed = undefined;
  readonly #file: LockFile;
  readonly #hold: string;
  readonly #terms: LeaseTerms;
  readonly #lost = new AbortController();
  readonly #asked = new AbortController();
  readonly #heartbeat: Heartbeat;
  #seen = new Moment();
  #touched = new Moment();
  #freed = false;
  #heldToEnd = false;

  /**
   * @param file Locked, and still in place.
   * @param hold By which this hold is told from others of the same lock.
   */
  constructor(file: LockFile, hold: string, terms: LeaseTerms) {
    this.#file = file;
    this.#hold = hold;
    this.#terms = terms;
    this.#heartbeat = new Heartbeat(heartbeatOf(terms), () => this.#check(), () => undefined);
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  get asked(): AbortSignal {
    return this.#asked.signal;
  }

  get heldToEnd(): boolean {
    return this.#heldToEnd;
  }

  commandEnded(): void {
    if (this.lost.aborted) return;
    try {
      this.#heldToEnd = this.#file.isInPlace();
    } catch (error) {
      // If this user cannot look, release() reports it.
      if (!(error instanceof Error)) throw error;
      return;
    }
    if (!this.#heldToEnd) this.#lost.abort(this.#reason(REMOVED));
  }

  async confirm(): Promise<void> {
    if (!this.lost.aborted && this.#seen.age > FRESH) await this.#check();
    if (this.lost.aborted) throw this.lost.reason;
  }

  /** @throws {LockLostError} When the lock is lost; {@linkcode lost} has fired then. */
  async #check(): Promise<void> {
    const asked = new Moment();
    const found = await this.#fileState();
    if (this.#freed) return;
    if (found === "removed") this.#lose(REMOVED);
    if (found === "unanswered") this.#lose("its file system does not answer");
    this.#seen = asked;
    if (found === "asked") await this.#readEndRequest();
    if (this.#touched.age < TOUCH_AFTER) return;
    this.#touched = asked;
    this.#file.touch();
  }

  async #readEndRequest(): Promise<void> {
    const { readEndRequest } = await import("./end_request.ts");
    const request = readEndRequest(this.#file.endRequest);
    if (request?.hold === this.#hold) this.#asked.abort(new AskedToEndError(request.label, request.host));
  }

  #lose(why: string): never {
    const lost = this.#reason(why);
    this.#lost.abort(lost);
    throw lost;
  }

  #reason(why: string): LockLostError {
    return new LockLostError(`Lock lost: ${why}: ${this.#file.path}`, undefined, graceOf(this.#terms));
  }

  /** A network file system that does not answer may meanwhile give the lock to another machine. */
  async #fileState(): Promise<"there" | "asked" | "removed" | "unanswered" | Error> {
    const found = Promise.all([this.#file.isStillInPlace(), this.#file.hasEndRequest()]).then(
      ([there, isAsked]) => !there ? "removed" as const : isAsked ? "asked" as const : "there" as const,
      (error: unknown) => {
        // If this user cannot look, its other seras cannot lock either. release() reports it.
        if (error instanceof Error) return error;
        throw error;
      },
    );
    // In halves: if sera is suspended meanwhile, the current one ends at once, but the answer still has the other.
    const half = (stopsAfter(this.#terms) - heartbeatOf(this.#terms)) / 2;
    return await within(half, found) ?? await within(half, found) ?? "unanswered";
  }

  release(): Promise<void> {
    const { path } = this.#file;
    if (this.#freed) return Promise.reject(new LockLostError(`The lock was given back before: ${path}`));
    this.#heartbeat[Symbol.dispose]();
    // Synchronous, unlike the checks before: freeing the lock waits for the same file system anyway.
    const trouble = this.#whyLost(path);
    this.free();
    return trouble === undefined ? Promise.resolve() : Promise.reject(new LockLostError(trouble));
  }

  #whyLost(path: string): string | undefined {
    try {
      return this.#file.isInPlace() ? undefined : `The lock file was removed while it was held: ${path}`;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return `Cannot look at the lock file any more: ${path}: ${messageOf(error)}`;
    }
  }

  /** Frees the lock without checking it. */
  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    this.#heartbeat[Symbol.dispose]();
    this.#file.close();
  }
}
