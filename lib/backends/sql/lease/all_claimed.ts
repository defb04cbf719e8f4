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

/** A lease that was acquired, by the name of its row; of a slot with its number. */
export interface ClaimedRow extends Claimed {
  readonly lock: string;
  readonly slot?: number;
}

/** All leases that one lock needs, in the order in which they were claimed. */
export function allClaimed(
  claimed: readonly ClaimedRow[],
  { presence: { lock }, also = [] }: Pick<LeaseOptions, "presence" | "also">,
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
