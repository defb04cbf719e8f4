import { Deadline } from "../../../deadline.ts";
import { LockUnavailableError, QueueFullError } from "../../../errors.ts";
import { Moment } from "../../../lock/lease.ts";
import { slotIn, slotName } from "../../../lock/slot_name.ts";
import { delayOrAbort } from "../../../waiting.ts";
import type { Outcome } from "../batch.ts";
import type { Session } from "../session.ts";
import type { Statement } from "../statement.ts";
import type { LeaseServer } from "./server.ts";

/** How long our own last seat may look taken after its session has ended, and the pause between attempts; in ms. */
const SEAT_LINGERS = 3000;
const SEAT_PAUSE = 50;

/**
 * The session locks that a sera holds next to its leases. Where they work, the session lock with a lease's name excludes
 * seras without leases, and is needed to take the lease over; and waiters wait for one instead of polling.
 */
export class SessionLocks<S extends Session> {
  readonly #server: LeaseServer<S>;
  readonly #sessions = new Map<string, S>();
  #seat: string | undefined;
  /** When a session with a seat was seen to have ended: the server frees the seat a moment later. */
  #ended: Moment | undefined;

  constructor(server: LeaseServer<S>) {
    this.#server = server;
  }

  /** The session that has a session lock, if any; it may have ended. */
  in(name: string): S | undefined {
    return this.#sessions.get(name);
  }

  /** Waits for a session lock until the deadline. Returns whether the session has it now, or had it before. */
  async enter(session: S, name: string, deadline: Deadline, signal: AbortSignal): Promise<boolean> {
    return await this.enterAnd(session, name, deadline, signal, []) !== undefined;
  }

  /**
   * Like {@linkcode enter}, with further statements in the same message, to be run when the lock is granted.
   *
   * @returns Their outcomes, none if they could not be sent along; undefined if the session does not have the lock.
   */
  async enterAnd(
    session: S,
    name: string,
    deadline: Deadline,
    signal: AbortSignal,
    next: readonly Statement[],
  ): Promise<readonly Outcome[] | undefined> {
    if (this.#sessions.get(name) === session) return [];
    if (!this.#server.takesSeveralLocks(session)) this.#forgetAllOf(session);
    const { queue } = this.#server;
    const outcomes = queue.enterAnd && next.length > 0
      ? await queue.enterAnd(session, name, deadline, signal, next)
      : await queue.enter(session, name, deadline, signal)
      ? []
      : undefined;
    if (outcomes) this.#sessions.set(name, session);
    return outcomes;
  }

  /** Like {@linkcode enter}, for any slot of a lock. Returns the name of the slot. */
  async enterSlot(session: S, lock: string, deadline: Deadline, signal: AbortSignal): Promise<string | undefined> {
    for (const [name, other] of this.#sessions) if (other === session && slotIn(name).lock === lock) return name;
    const slot = await this.#server.queue.enterSlot!(session, deadline, signal);
    if (slot === undefined) return undefined;
    const name = slotName(lock, slot);
    this.#sessions.set(name, session);
    return name;
  }

  /** Releases a session lock, if a session has it. */
  async leave(name: string): Promise<void> {
    const session = this.#sessions.get(name);
    this.forget(name);
    if (session && !session.closed.aborted) await this.#server.queue.leave(session, name);
  }

  /** Like {@linkcode leave}, without waiting for the answer: if it fails, the lock is freed with the session. */
  leaveLater(name: string): void {
    this.leave(name).catch((error) => {
      if (!(error instanceof LockUnavailableError)) throw error;
    });
  }

  /** Call this when a session lock was released in another way. */
  forget(name: string): void {
    this.#sessions.delete(name);
  }

  /**
   * Takes a seat, where the number of waiters is limited. A seat is a session lock, so it is freed if sera dies.
   *
   * @param limit How many seats there are.
   * @throws {QueueFullError} When all are taken.
   */
  async takeSeat(session: S, lock: string, limit: number, signal: AbortSignal): Promise<void> {
    if (this.#seat !== undefined && this.#sessions.get(this.#seat) === session) return;
    const names = Array.from({ length: limit }, (_, seat) => `${lock}.w${seat}`);
    for (;;) {
      const seat = limit === 0 ? undefined : await this.#server.queue.enterAny(session, names, signal);
      if (seat !== undefined) {
        this.#sessions.set(seat, session);
        this.#seat = seat;
        return;
      }
      if (!this.#ended || this.#ended.age > SEAT_LINGERS) throw new QueueFullError(limit);
      await delayOrAbort(SEAT_PAUSE, signal, session.closed);
      signal.throwIfAborted();
    }
  }

  /** Releases the seat, if it has one. Does not wait for the answer. */
  leaveSeat(): void {
    if (this.#seat === undefined) return;
    if (this.#sessions.get(this.#seat)?.closed.aborted) this.#ended = new Moment();
    this.leaveLater(this.#seat);
    this.#seat = undefined;
  }

  #forgetAllOf(session: S): void {
    for (const [name, other] of this.#sessions) if (other === session) this.#sessions.delete(name);
  }
}

/** The deadline for trying once. */
export function atOnce(): Deadline {
  return new Deadline(0);
}
