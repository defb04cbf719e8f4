import type { CallOptions, EtcdClient } from "./client.ts";
import type { LedgerKeys } from "./ledger_keys.ts";
import type { Keys } from "./requests.ts";

/** Where a session stands for a lock. */
export interface Place {
  /** The key that stands for it. */
  readonly key: string;
  /** The revision in which that was created. */
  readonly created: bigint;
  /** The lock can be taken when one of these keys is gone; undefined if it is held. */
  readonly awaited: Keys | undefined;
  /** The revision in which that was read. */
  readonly revision: bigint;
  /** Whether an earlier holder has left runs that have not ended; undefined if that was not asked. */
  readonly hasLeftRuns: boolean | undefined;
  /** The slot that is held, if there are slots. */
  readonly slot?: number;
  /** The marker key that belongs to that slot. */
  readonly mark?: string;
  /** The places in the lines of the other locks, in the order in which the user named them. */
  readonly also?: readonly Place[];
}

/** The queue for a lock, as one session uses it. Every request may be sent twice without harm. */
export interface Line {
  /**
   * Takes the lock, or a place in the queue.
   *
   * @param mayWait Whether to take a place; otherwise only the lock itself is taken.
   * @returns Undefined if somebody else holds it and there is no time to wait.
   * @throws {LockUnavailableError} When the place is not known, or the lease has ended.
   * @throws {OtherSlotsError} When its holders use another number of slots.
   * @throws {QueueFullError} When as many wait as are allowed to.
   */
  enter(mayWait: boolean, options: CallOptions): Promise<Place | undefined>;
  /**
   * Looks where the session stands now, and takes what has become free. It checks that the session's key still exists, since
   * etcd may tell a waiter of its turn after the waiter's own lease has ended (etcd#11456).
   *
   * @param gone Which of the awaited keys are known to have gone.
   * @returns Undefined if it is no longer in the queue.
   * @throws As {@linkcode enter}.
   */
  find(place: Place, options: CallOptions, gone?: readonly string[]): Promise<Place | undefined>;
}

/** A session that wants a lock. */
export interface Comer {
  readonly client: EtcdClient;
  /** The lock's name. */
  readonly lock: string;
  /** The lease that all its keys end with. */
  readonly lease: bigint;
  /** The value of its keys: tells others who wants the lock. */
  readonly value: string;
  /** The same for another lock. */
  readonly valueFor: (lock: string) => string;
  /** The keys of the ledger; absent if there is none. */
  readonly ledger?: LedgerKeys | undefined;
  /** How many may wait for the lock. */
  readonly maxWaiters?: number | undefined;
}
