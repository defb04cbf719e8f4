import type { Moment } from "../../../lock/lease.ts";
import type { Claimed } from "./claimer.ts";
import type { LeaseOptions } from "./options.ts";
import type { OwnRow } from "./table.ts";

/** All leases that were asked for, acquired. */
export interface AllClaimed {
  /** That of the lock, or of its slot, first; then those of the locks beside it, in their order. */
  readonly rows: readonly OwnRow[];
  /** The slot, if there are slots. */
  readonly slot: number | undefined;
  /** When the first and the last request was sent whose answer showed that one of them is ours. */
  readonly confirmed: Moment;
  readonly last: Moment;
}

/** One of them, and of what slot it is. */
export interface ClaimedRow extends Claimed, OwnRow {
  readonly slot?: number;
}

/**
 * Puts all leases together that were asked for.
 *
 * @param claimed In the order in which they were acquired.
 */
export function together(
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
