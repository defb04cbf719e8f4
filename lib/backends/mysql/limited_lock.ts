import type { Deadline } from "../../deadline.ts";
import { LockUnavailableError } from "../../errors.ts";
import type { HeldLock } from "../../lock/lock.ts";
import type { Check } from "./lock_check.ts";
import { MySqlLock, type Taken } from "./lock.ts";
import type { MySqlSession } from "./session.ts";
import { Acquisition } from "./acquisition.ts";

/** A lock with slots, several locks, or a limit of waiters, for which a session holds several named locks. */
export class LimitedMySqlLock extends MySqlLock {
  #waits = false;

  override async acquire(wait: number, signal: AbortSignal, patience?: number): Promise<HeldLock | undefined> {
    this.#waits = wait > 0;
    return await super.acquire(wait, signal, patience);
  }

  protected override async attempt(
    session: MySqlSession,
    deadline: Deadline,
    signal: AbortSignal,
  ): Promise<HeldLock | undefined> {
    try {
      return await super.attempt(session, deadline, signal);
    } catch (error) {
      // The session may already hold some of them.
      await session.close();
      throw error;
    }
  }

  protected override async take(
    session: MySqlSession,
    check: Check,
    deadline: Deadline,
    signal: AbortSignal,
  ): Promise<Taken | undefined> {
    const { slots, also = [], maxWaiters = 0, presence: { lock } } = this.options;
    if (!check.agreement.isNeeded && (slots !== undefined || also.length > 0 || maxWaiters > 0)) {
      throw LockUnavailableError.on(session.where, {
        what:
          "before MySQL 5.7.5 and MariaDB 10.0.2 a session can hold only one lock, so this server does not support " +
          "slots, several locks or a limit on waiters",
        cure: "use a newer server, or --lease",
      });
    }
    const acquisition = new Acquisition(session, check, signal, {
      lock,
      slots,
      names: (slots === undefined ? this.locks : also).toSorted(),
      maxWaiters: this.options.maxWaiters,
      waits: this.#waits,
    });
    const taken = await acquisition.run(deadline);
    if (!taken) await acquisition.release();
    return taken;
  }
}
