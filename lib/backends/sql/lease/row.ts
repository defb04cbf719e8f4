/** The row of a lease, see docs/leases.md. */

import { marginOf } from "../../../lock/expiry_watch.ts";

/** Identifies the owner of a lease: it is theirs as long as the row has both values. */
export interface Ownership {
  /** The random id of one acquisition: 32 hex digits. */
  readonly owner: string;
  /** The fencing token. */
  readonly fence: bigint;
}

/** A state of a row: if all three values are the same later, nobody has changed it. */
export interface Beat extends Ownership {
  /** Counts every change of the row by this owner; see `ObservedLease`. */
  readonly beat: bigint;
}

/** What a holder of a lease says about itself. */
export interface LeaseHolder {
  readonly host: string;
  readonly pid: number;
  readonly label: string;
}

/** A lease that is held, as read from its row. */
export interface Lease extends Beat, Partial<LeaseHolder> {
  /** The name of the lock, or of one of its slots. */
  readonly lock: string;
  /** After how long without a renewal it may be taken over, in milliseconds. */
  readonly ttl: number;
  /** How long it is still valid by the server's clock, in milliseconds; negative once it has expired. */
  readonly left: number;
  /** When it was acquired, in milliseconds since 1970 by the server's clock; undefined if the row does not say. */
  readonly since?: number | undefined;
}

/** What to write into a row to acquire its lease. */
export interface Claim extends LeaseHolder {
  /** The name of the lock, or of one of its slots. */
  readonly lock: string;
  readonly owner: string;
  /** In milliseconds. */
  readonly ttl: number;
  /** Which leases may be taken, besides a free one and one of the same owner. */
  readonly from: TakeFrom;
}

/** Which leases may be taken over. */
export type TakeFrom =
  /** None. */
  | "nobody"
  /**
   * One that expired long enough ago by the server's clock: `slack` milliseconds, or the `marginOf()` the row's TTL,
   * whichever is longer; and if `ttls` is 1, one TTL of the row more.
   */
  | { readonly slack: number; readonly ttls: 0 | 1 }
  /** One that has been observed unchanged for long enough. */
  | { readonly seen: Beat };

/**
 * When anybody may take a lease over without observing it first, by the server's clock; in milliseconds from now.
 *
 * @param ttls As in {@linkcode TakeFrom}.
 */
export function freeIn({ left, ttl }: Pick<Lease, "left" | "ttl">, ttls: 0 | 1): number {
  return left + ttls * ttl + marginOf(ttl);
}

/**
 * The name of the row in which somebody who asks for the release of a lock says who they are: a lease of its own, which no
 * list of locks shows. The request itself is in the lock's row.
 */
export function endRequestFor(lock: string): string {
  return `end:${lock}`;
}
