import type { LockIdentities } from "../../lock/lock_identity.ts";
import type { Limits } from "../../lock/limits.ts";
import { lockName } from "../../lock/lock_name.ts";
import type { Settings } from "../../settings/settings.ts";

/**
 * How many may hold the lock, and wait for it, and which locks are held with it. With several holders a rule about runs
 * needs a lock of its own: else two of them could look into the ledger at once, and both find no run that counts.
 */
export function limitsOf(
  { slots, maxWaiters, replace, ledger: { on, once, every } }: Settings,
  { main, all }: LockIdentities,
): Limits {
  const isPlain = slots === undefined || slots === 1;
  // Of those who replace the holder only the last one waits.
  if (replace) return {};
  if (isPlain) return { maxWaiters, also: all.length === 1 ? undefined : all.slice(1).map(({ name }) => name) };
  // One for each kind of rule, since another run may use only one of the two.
  const rules = on ? [...once === undefined ? [] : [`once ${once}`], ...every === undefined ? [] : ["every"]] : [];
  const also = rules.length === 0 ? undefined : rules.map((rule) => lockName(`${main.name} ${rule}`));
  return { slots, also, maxWaiters };
}
