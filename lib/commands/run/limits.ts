import type { LockOptions } from "../../backends/backend.ts";
import type { LockIdentities } from "../../lock/lock_identity.ts";
import { lockName } from "../../lock/lock_name.ts";
import type { Settings } from "../../settings/settings.ts";

/** What is asked for besides the main lock, and how many may hold it and wait for it. */
export type Limits = Pick<LockOptions, "slots" | "also" | "maxWaiters">;

/**
 * How many may hold the lock, and wait for it, and which locks are held with it. With several holders a rule about runs
 * needs a lock of its own: else two of them could look into the ledger at once, and both find no run that counts.
 */
export function limitsOf(
  { slots, maxWaiters, ledger: { once, every } }: Settings,
  { main, all }: LockIdentities,
): Limits {
  const isPlain = slots === undefined || slots === 1;
  if (isPlain) return { maxWaiters, also: all.length === 1 ? undefined : all.slice(1).map(({ name }) => name) };
  const also = once === undefined && every === undefined
    ? undefined
    : [lockName(`${main.name} ${every === undefined ? `once ${once}` : "every"}`)];
  return { slots, also, maxWaiters };
}
