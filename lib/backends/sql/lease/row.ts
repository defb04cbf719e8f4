/** The row of a lease, see docs/leases.md. */

import { marginOf } from "../../../lock/expiry_watch.ts";

/** What makes a lease somebody's: only the row that still has both is theirs. */
export interface Ownership {
  /** The random id of one acquisition: 32 hex digits. */
  readonly owner: string;
  /** The fencing token. */
  readonly fence: bigint;
}

/** A state of a row that may be seen again: if all three are the same, nobody has changed it. */
export interface Beat extends Ownership {
  /** Counts every change of the row while it is theirs; see `ObservedLease`. */
  readonly beat: bigint;
}

/** Who holds a lease, as they say. */
export interface LeaseHolder {
  readonly host: string;
  readonly pid: number;
  readonly label: string;
}

/** A lease that somebody has, as read from its row. */
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
  /** Whose lease may be taken, besides a free one and one of the same owner. */
  readonly from: TakeFrom;
}

/** Whose lease may be taken over. */
export type TakeFrom =
  /** Nobody's. */
  | "nobody"
  /**
   * One that expired so long ago by the server's clock: `slack` milliseconds, or a part of the row's TTL as `marginOf()` has
   * it, whichever is longer; and if `ttls` is 1, a whole TTL of the row longer ago.
   */
  | { readonly slack: number; readonly ttls: 0 | 1 }
  /** One that has been seen unchanged for long enough. */
  | { readonly seen: Beat };

/**
 * When anybody may take a lease over at the first look, by the server's clock, in milliseconds from now.
 *
 * @param ttls As in {@linkcode TakeFrom}.
 */
export function freeIn({ left, ttl }: Pick<Lease, "left" | "ttl">, ttls: 0 | 1): number {
  return left + ttls * ttl + marginOf(ttl);
}

/**
 * The name of the row by which those who ask for a lock's release say who they are: a lease of their own, which no list of
 * locks shows. That they ask is in the lock's row.
 */
export function endRequestFor(lock: string): string {
  return `end:${lock}`;
}
