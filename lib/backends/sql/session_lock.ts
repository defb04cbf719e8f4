import { Deadline, MAX_TIMER_DELAY } from "../../deadline.ts";
import { delayOrAbort, TimeLimit } from "../../waiting.ts";
import { formatDuration } from "../../text/duration.ts";
import { LockUnavailableError, UnfitServerError } from "../../errors.ts";
import type { HeldLock, Lock, LockSession } from "../../lock/lock.ts";

/** The first and the longest pause before a retry after a transient error, in milliseconds. */
const FIRST_PAUSE = 100;
const MAX_PAUSE = 2000;

/**
 * The shortest wait that limits the time to connect, in milliseconds. A shorter one must not exclude a server that is far
 * away or busy: as with a wait of 0, only the backend's own limit for connecting counts then.
 */
const MIN_LIMIT = 2000;

/** The wait ended before there was a connection. */
class TooLateError extends LockUnavailableError {}

/** A session that is closed when its lock is no longer needed. */
export interface OwnSession extends LockSession {
  /** Closes it, and waits for that, but not long. */
  close(): Promise<void>;
}

/**
 * A lock in a server session of its own. The server frees the lock when the session ends, so there is no pool and no
 * reconnecting.
 */
export abstract class SessionLock<S extends OwnSession> implements Lock {
  readonly #retrying: (why: LockUnavailableError) => void;
  #session: S | undefined;
  /** Whether it has been connected to a suitable server before. */
  #hadServer = false;

  /** @param retrying Called with what is wrong before each retry. */
  constructor(retrying: (why: LockUnavailableError) => void) {
    this.#retrying = retrying;
  }

  /** Where the server is, for messages. */
  protected abstract readonly where: string;

  /**
   * Connects.
   *
   * @param limit Milliseconds after which the signal aborts it.
   * @throws {LockUnavailableError} When the server cannot be reached, refuses, or is unsuitable.
   */
  protected abstract open(signal: AbortSignal, limit: number): Promise<S>;

  /**
   * Asks for the lock in a session until it is held or the deadline passes. May end the session.
   *
   * @throws {LockUnavailableError} If it is transient, this is called again.
   * @throws {UnfitServerError} When the server has become unsuitable since it was connected to; this is called again.
   */
  protected abstract attempt(session: S, deadline: Deadline, signal: AbortSignal): Promise<HeldLock | undefined>;

  async session(signal: AbortSignal, limit = Infinity): Promise<S> {
    if (this.#session?.closed.aborted) this.#session = undefined;
    this.#session ??= await this.open(signal, limit);
    this.#hadServer = true;
    return this.#session;
  }

  async acquire(wait: number, signal: AbortSignal, patience = wait): Promise<HeldLock | undefined> {
    let lastTry = new Deadline(patience);
    let deadline: Deadline | undefined;
    let pause = FIRST_PAUSE;
    let before: unknown;
    for (;;) {
      try {
        let session;
        try {
          session = await (patience >= MIN_LIMIT && patience < MAX_TIMER_DELAY
            ? this.#sessionBy(patience, lastTry.remaining, signal)
            : this.session(signal));
          if (!deadline) {
            lastTry = new Deadline(patience);
          }
        } finally {
          deadline ??= new Deadline(wait);
        }
        return await this.attempt(session, deadline, signal);
      } catch (error) {
        // The earlier error says more than that the time is up.
        if (error instanceof TooLateError && before !== undefined) throw before;
        before = error;
        if (!this.#mayPass(error) || lastTry.passed) throw error;
        this.#retrying(error);
        await delayOrAbort(Math.min(pause * (0.5 + Math.random()), lastTry.remaining), signal);
        signal.throwIfAborted();
        pause = Math.min(2 * pause, MAX_PAUSE);
      }
    }
  }

  /** Connects within the rest of the wait, so that a server that does not answer cannot prolong it. */
  async #sessionBy(patience: number, limit: number, signal: AbortSignal): Promise<S> {
    using late = new TimeLimit(limit, () => {
      const what = `not connected within ${formatDuration(patience)}`;
      const cure = "check the server and the network";
      return TooLateError.on(this.where, { what, cure }, { transient: true });
    });
    return await this.session(AbortSignal.any([signal, late.signal]), limit);
  }

  /**
   * Whether the same request may succeed a moment later. If a server becomes unsuitable during the wait, this is most
   * likely a switchover, and the address will soon lead to the new primary.
   */
  #mayPass(error: unknown): error is LockUnavailableError {
    if (!(error instanceof LockUnavailableError)) return false;
    return error.transient || error instanceof UnfitServerError && this.#hadServer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session?.close();
    this.#session = undefined;
  }
}
