import { within } from "../../waiting.ts";
import { AskedToEndError, LockLostError, messageOf } from "../../errors.ts";
import { Heartbeat } from "../../lock/heartbeat.ts";
import { FRESH, graceOf, heartbeatOf, type LeaseTerms, Moment, stopsAfter } from "../../lock/lease.ts";
import type { HeldLock } from "../../lock/lock.ts";
import type { LockFile } from "./lock_file.ts";

/** The usual reason for a lost lock. */
const REMOVED = "the lock file was removed";

/** How often to renew the file's times, in milliseconds; programs that remove old files work with days. */
const TOUCH_AFTER = 3_600_000;

/**
 * A held lock on one or several files. The kernel keeps it until this process ends, but it excludes only those who open
 * the same paths: it is lost when one of the files is removed or replaced.
 */
export class HeldFileLock implements HeldLock {
  readonly session = undefined;
  /** The kernel does not take a lock away, even from a suspended process. */
  readonly left = Infinity;
  onRenewed = undefined;
  readonly slot: number | undefined;
  readonly #files: readonly LockFile[];
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
   * @param files All locked, and still in place; freed in this order.
   * @param hold Identifies this acquisition of the lock.
   * @param slot The slot that is held, if the lock has slots.
   */
  constructor(files: readonly LockFile[], hold: string, terms: LeaseTerms, slot?: number) {
    this.#files = files;
    this.slot = slot;
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
    let removed;
    try {
      removed = this.#files.find((file) => !file.isInPlace());
    } catch (error) {
      // If this user cannot look, release() reports it.
      if (!(error instanceof Error)) throw error;
      return;
    }
    this.#heldToEnd = removed === undefined;
    if (removed) this.#lost.abort(this.#reason(REMOVED, removed));
  }

  async confirm(): Promise<void> {
    if (!this.lost.aborted && this.#seen.age > FRESH) await this.#check();
    if (this.lost.aborted) throw this.lost.reason;
  }

  /** @throws {LockLostError} When the lock is lost; {@linkcode lost} has then fired. */
  async #check(): Promise<void> {
    const asked = new Moment();
    const found = await Promise.all(this.#files.map((file) => this.#stateOf(file)));
    if (this.#freed) return;
    for (const [index, state] of found.entries()) {
      if (state === "removed") this.#lose(REMOVED, this.#files[index]!);
      if (state === "unanswered") this.#lose("its file system does not answer", this.#files[index]!);
    }
    this.#seen = asked;
    for (const [index, state] of found.entries()) {
      if (state === "asked") await this.#readEndRequest(this.#files[index]!);
    }
    if (this.#touched.age < TOUCH_AFTER) return;
    this.#touched = asked;
    for (const file of this.#files) file.touch();
  }

  async #readEndRequest(file: LockFile): Promise<void> {
    const { readEndRequest } = await import("./end_request.ts");
    const request = readEndRequest(file.endRequest);
    if (request?.hold === this.#hold) this.#asked.abort(new AskedToEndError(request.label, request.host));
  }

  #lose(why: string, file: LockFile): never {
    const lost = this.#reason(why, file);
    this.#lost.abort(lost);
    throw lost;
  }

  #reason(why: string, { path }: LockFile): LockLostError {
    return new LockLostError(`Lock lost: ${why}: ${path}`, undefined, graceOf(this.#terms));
  }

  /** A network file system that does not answer may meanwhile give the lock to another machine. */
  async #stateOf(file: LockFile): Promise<"there" | "asked" | "removed" | "unanswered" | Error> {
    const found = Promise.all([file.isStillInPlace(), file.hasEndRequest()]).then(
      ([there, isAsked]) => !there ? "removed" as const : isAsked ? "asked" as const : "there" as const,
      (error: unknown) => {
        // If this user cannot look, its other seras cannot lock either. release() reports it.
        if (error instanceof Error) return error;
        throw error;
      },
    );
    // In two halves: after a suspension the current half ends at once, but the answer still has the other half to come.
    const half = (stopsAfter(this.#terms) - heartbeatOf(this.#terms)) / 2;
    return await within(half, found) ?? await within(half, found) ?? "unanswered";
  }

  release(): Promise<void> {
    if (this.#freed) {
      return Promise.reject(new LockLostError(`The lock was already released: ${this.#files[0]!.path}`));
    }
    this.#heartbeat[Symbol.dispose]();
    // Synchronous, unlike the checks before: freeing the lock waits for the same file system anyway.
    const trouble = this.#files.map(whyLost).find((why) => why !== undefined);
    this.free();
    return trouble === undefined ? Promise.resolve() : Promise.reject(new LockLostError(trouble));
  }

  /** Frees the lock without checking it. */
  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    this.#heartbeat[Symbol.dispose]();
    for (const file of this.#files) file.close();
  }
}

function whyLost(file: LockFile): string | undefined {
  try {
    return file.isInPlace() ? undefined : `The lock file was removed while it was held: ${file.path}`;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return `Cannot check the lock file any more: ${file.path}: ${messageOf(error)}`;
  }
}
