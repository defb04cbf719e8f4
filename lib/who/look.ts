import { isLockName } from "../lock/lock_name.ts";
import { forgetLockName } from "../lock/forgetters.ts";
import { isNamespacedName } from "../lock/namespaced_name.ts";
import { replaceLockName } from "../lock/replacers.ts";
import { isOfLock } from "./names.ts";
import { inOrder } from "./order.ts";
import { withoutRuleLocks } from "./rule_locks.ts";
import type { LockFilter, Seen, Sighting } from "./sighting.ts";
import { validated, validatedProcess } from "./tidy.ts";

const NOTHING: Seen = { sightings: [], otherSessions: [] };

/**
 * The holders and waiters of locks, as far as the backend lets this user see them. Leaves out the process that looks.
 *
 * @param filter The locks to look at. A text that cannot be a lock's name is not looked for.
 * @param ask Asks the backend.
 * @returns For each lock the holder, or those of its slots in their order, then the waiters; and what cannot be seen.
 * @throws {LockUnavailableError} When the backend cannot be asked.
 */
export async function look(filter: LockFilter, ask: () => Promise<Seen>): Promise<Seen> {
  if (filter !== "all" && "lock" in filter && !isLockName(filter.lock) && !isNamespacedName(filter.lock)) {
    return NOTHING;
  }
  const seen = await ask();
  const sightings = inOrder(withoutRuleLocks(seen.sightings.map(validated)));
  return {
    ...seen,
    sightings: filter === "all" ? withoutSecondLocks(sightings) : sightings,
    otherSessions: seen.otherSessions.map(validatedProcess),
  };
}

/** Leaves out the locks under which others wait to replace a holder, and which `sera forget` holds beside a lock. */
function withoutSecondLocks(sightings: readonly Sighting[]): readonly Sighting[] {
  const names = [...new Set(sightings.flatMap(({ lock }) => [replaceLockName(lock), forgetLockName(lock)]))];
  return sightings.filter((sighting) => !names.some((name) => isOfLock(sighting, name)));
}
