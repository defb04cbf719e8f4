import type { CallOptions, EtcdClient } from "./client.ts";
import type { LedgerKeys } from "./ledger_keys.ts";
import type { Keys } from "./requests.ts";

/** Where a session stands for a lock. */
export interface Place {
  /** The key that stands for it. */
  readonly key: string;
  /** The revision in which that was created. */
  readonly created: bigint;
  /** The keys of which one has to go before the lock may be taken; undefined if it is held. */
  readonly awaited: Keys | undefined;
  /** When that was so. */
  readonly revision: bigint;
  /** Whether an earlier holder has left runs that have not ended; undefined if that was not asked. */
  readonly hasLeftRuns: boolean | undefined;
  /** The slot that is held, if there are slots. */
  readonly slot?: number;
  /** A further key that says so. */
  readonly mark?: string;
  /** The same of the locks that are held together with this one, in the order in which they were named. */
  readonly also?: readonly Place[];
}

/** Those who come for a lock, for one session. Each request may be repeated. */
export interface Line {
  /**
   * Takes the lock, or a place in the line.
   *
   * @param mayWait Whether to take a place; otherwise only the lock itself is taken.
   * @returns Undefined if somebody else holds it and there is no time to wait.
   * @throws {LockUnavailableError} When the place is not known, or the lease has ended.
   * @throws {OtherSlotsError} When it is held by somebody who takes it to have another number of slots.
   * @throws {QueueFullError} When as many wait as are allowed to.
   */
  enter(mayWait: boolean, options: CallOptions): Promise<Place | undefined>;
  /**
   * Looks where the session stands now, and takes what has come free. That its key is there shows that its lease had not
   * ended: etcd may tell a waiter of its turn after that (etcd#11456).
   *
   * @param gone Which of the awaited keys are known to have gone.
   * @returns Undefined if it is not in the line any more.
   * @throws As {@linkcode enter}.
   */
  find(place: Place, options: CallOptions, gone?: readonly string[]): Promise<Place | undefined>;
}

/** Who comes for a lock. */
export interface Comer {
  readonly client: EtcdClient;
  /** The lock's name. */
  readonly lock: string;
  /** The lease that all its keys end with. */
  readonly lease: bigint;
  /** What its keys say to others: who comes for the lock. */
  readonly value: string;
  /** The same for another lock. */
  readonly valueFor: (lock: string) => string;
  /** The keys of the ledger; absent if there is none. */
  readonly ledger?: LedgerKeys | undefined;
  /** How many may wait for the lock. */
  readonly maxWaiters?: number | undefined;
}
