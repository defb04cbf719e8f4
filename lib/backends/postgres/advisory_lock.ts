import type { Deadline } from "../../deadline.ts";
import { LockUnavailableError } from "../../errors.ts";
import { delayOrAbort } from "../../waiting.ts";
import { type Answer, askOne } from "../sql/answer.ts";
import { identifier, sql, type Statement } from "../sql/statement.ts";
import { type AdvisoryKey, advisoryKey } from "./advisory_key.ts";
import type { PostgresSession } from "./session.ts";

/**
 * The shortest and longest pause between two attempts while another session holds the lock, in milliseconds. A sera
 * that releases it notifies the waiters; the attempts are for a holder that died, or that is another program. Pauses
 * are random, so that many waiters do not try all at once.
 */
const SHORTEST_PAUSE = 300;
const LONGEST_PAUSE = 900;

/** An advisory lock: asked for and released in a session that is given, one session at a time. */
export class AdvisoryLock {
  readonly #key: AdvisoryKey;
  readonly #channel: string;
  /** The session that listens for releases, if any does. */
  #listening: PostgresSession | undefined;
  /** Ends the pause between two attempts. */
  #wake = new AbortController();
  #took = 0;

  /** @param name As {@linkcode advisoryKey} takes it. */
  constructor(name: string) {
    this.#key = advisoryKey(name);
    this.#channel = `sera_${name.replace(",", "_")}`;
  }

  /** How long the server took to answer the last attempt, in milliseconds. */
  get took(): number {
    return this.#took;
  }

  /**
   * Asks for the lock once.
   *
   * @returns Whether the session has it now. Another attempt in the same session must not follow then: it would have it
   * twice.
   * @throws {LockUnavailableError} When the server does not answer, or refuses.
   * @throws The signal's reason when it is aborted.
   */
  async tryOnce(session: PostgresSession, signal?: AbortSignal): Promise<boolean> {
    const asked = performance.now();
    const attempt = sql`SELECT pg_try_advisory_lock(${this.#key.args}) AS got`;
    const answer = await askOne(session, attempt, ["got"], { signal });
    this.#took = performance.now() - asked;
    return answer.truth("got");
  }

  /**
   * Asks for the lock until the session has it or the deadline passes; at least once.
   *
   * It waits without a transaction: `pg_advisory_lock` would hold a snapshot, so that CREATE INDEX CONCURRENTLY in the
   * holder's command would wait for the waiter, and the waiter for the holder.
   *
   * @returns Whether the session has it now.
   * @throws As {@linkcode tryOnce}; also when the session ends.
   */
  async wait(session: PostgresSession, deadline: Deadline, signal: AbortSignal): Promise<boolean> {
    // The first attempt does not listen: most likely the lock is free.
    for (let listening = false;; listening = true) {
      const last = deadline.passed;
      // Both before the attempt, so that no release is missed after it.
      if (listening && !last) await this.#listen(session, signal);
      this.#wake = new AbortController();
      const got = await this.tryOnce(session, signal);
      if (got || last) return got;
      if (!listening) continue;
      const pause = SHORTEST_PAUSE + Math.random() * (LONGEST_PAUSE - SHORTEST_PAUSE);
      await delayOrAbort(Math.min(pause, deadline.remaining), this.#wake.signal, signal, session.closed);
      signal.throwIfAborted();
    }
  }

  async #listen(session: PostgresSession, signal: AbortSignal): Promise<void> {
    if (this.#listening === session) return;
    this.#listening = session;
    await session.listen(this.#channel, () => this.#wake.abort(), signal);
  }

  /**
   * Releases the lock and notifies the waiters in one message: the server notifies them once both are done. Where
   * NOTIFY fails, as on a standby, nothing has been unlocked yet; then release alone, and the waiters find out by
   * trying.
   *
   * @returns Whether the session had it.
   * @throws {LockUnavailableError} When that is not known.
   */
  async release(session: PostgresSession): Promise<boolean> {
    const unlock = sql`SELECT pg_advisory_unlock(${this.#key.args}) AS released`;
    let answer: Answer<"released">;
    try {
      answer = await askOne(session, sql`NOTIFY ${identifier(this.#channel)}; ${unlock}`, ["released"]);
    } catch (error) {
      if (!(error instanceof LockUnavailableError) || session.closed.aborted) throw error;
      answer = await askOne(session, unlock, ["released"]);
    }
    return answer.truth("released");
  }

  /** The condition that this very session holds the lock. The database need not be compared: a session has only one. */
  isHeldBy({ pid }: PostgresSession): Statement {
    return sql`pg_backend_pid() = ${pid} AND EXISTS (
    SELECT FROM pg_locks WHERE ${this.#key.row} AND pid = ${pid} AND granted AND mode = 'ExclusiveLock')`;
  }
}
