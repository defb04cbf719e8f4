import type { Moment } from "../../../lock/lease.ts";
import type { Claimed } from "./claimer.ts";
import type { LeaseOptions } from "./options.ts";
import type { OwnRow } from "./table.ts";

/** All leases that were asked for, once acquired. */
export interface AllClaimed {
  /** The row of the lock or its slot first; then those of the locks held with it, in their order. */
  readonly rows: readonly OwnRow[];
  /** The slot, if there are slots. */
  readonly slot: number | undefined;
  /** When the first and the last claim was sent. */
  readonly confirmed: Moment;
  readonly last: Moment;
}

/** One acquired lease, and its slot. */
export interface ClaimedRow extends Claimed, OwnRow {
  readonly slot?: number;
}

/**
 * Combines the leases that were asked for.
 *
 * @param claimed In the order in which they were acquired.
 */
export function combined(
  { presence: { lock }, also = [] }: Pick<LeaseOptions, "presence" | "also">,
  claimed: readonly ClaimedRow[],
): AllClaimed {
  const [first, last] = [claimed[0]!, claimed.at(-1)!];
  const main = claimed.find((one) => one.slot !== undefined || one.lock === lock)!;
  return {
    rows: [main, ...also.map((name) => claimed.find((one) => one.lock === name)!)],
    slot: main.slot,
    confirmed: first.confirmed,
    last: last.confirmed,
  };
}
