import { Deadline } from "../../../deadline.ts";
import { LockUnavailableError, QueueFullError } from "../../../errors.ts";
import { Moment } from "../../../lock/lease.ts";
import { slotIn, slotName } from "../../../lock/slot_name.ts";
import { delayOrAbort } from "../../../waiting.ts";
import type { Outcome } from "../batch.ts";
import type { Session } from "../session.ts";
import type { Statement } from "../statement.ts";
import type { LeaseServer } from "./server.ts";

/** For how long our own last seat may still be taken after its session has ended, and the pause between tries; in ms. */
const GHOST = 3000;
const GHOST_PAUSE = 50;

/**
 * The session locks that a sera has beside its leases. Where they work, the one of a lease's own name keeps out those who
 * know of no leases, and is needed to take a lease over; and those who wait do so for one, and do not poll.
 */
export class Entered<S extends Session> {
  readonly #server: LeaseServer<S>;
  readonly #sessions = new Map<string, S>();
  #seat: string | undefined;
  /** When a session with a seat had ended: the server frees it a moment later. */
  #ended: Moment | undefined;

  constructor(server: LeaseServer<S>) {
    this.#server = server;
  }

  /** The session that has a session lock, if any has; it may have ended. */
  in(name: string): S | undefined {
    return this.#sessions.get(name);
  }

  /** Waits for a session lock until the deadline. Returns whether the session has it now, or had it before. */
  async enter(session: S, name: string, deadline: Deadline, signal: AbortSignal): Promise<boolean> {
    return await this.enterAnd(session, name, deadline, signal, []) !== undefined;
  }

  /**
   * Like {@linkcode enter}; further statements go with the request, and are run when it is granted.
   *
   * @returns What came of them, or nothing if they could not be sent along; undefined if the session does not have the lock.
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

  /** Like {@linkcode enter}, for any slot of a lock. Returns the name of that which the session has. */
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

  /** Like {@linkcode leave}, without waiting for the answer: if it fails, the lock ends with the session. */
  leaveLater(name: string): void {
    this.leave(name).catch((error) => {
      if (!(error instanceof LockUnavailableError)) throw error;
    });
  }

  /** To be called when a session lock was released in another way. */
  forget(name: string): void {
    this.#sessions.delete(name);
  }

  /**
   * Takes a seat among those who wait and have a limit. A seat is a session lock, so one that dies frees it.
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
      if (!this.#ended || this.#ended.age > GHOST) throw new QueueFullError(limit);
      await delayOrAbort(GHOST_PAUSE, signal, session.closed);
      signal.throwIfAborted();
    }
  }

  /** Leaves the seat, if it has one. Does not wait for the answer. */
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

/** Tries once. */
export function atOnce(): Deadline {
  return new Deadline(0);
}
