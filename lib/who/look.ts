import { isLockName } from "../lock/lock_name.ts";
import { isNamespacedName } from "../lock/namespaced_name.ts";
import { inOrder } from "./order.ts";
import type { Seen, Whose } from "./sighting.ts";
import { sensible, sensibleWho } from "./tidy.ts";

const NOTHING: Seen = { sightings: [], strangers: [] };

/**
 * Who has a lock and who waits for it, as far as the place lets this user see; or all of sera's locks there, or those of a
 * namespace. Whoever looks does not count.
 *
 * @param whose A lock that has no lock's name is not looked for.
 * @param ask Asks the place.
 * @returns For each lock those that hold it, then those that wait; and what cannot be seen.
 * @throws {LockUnavailableError} When the place cannot be asked.
 */
export async function look(whose: Whose, ask: () => Promise<Seen>): Promise<Seen> {
  if (whose !== "all" && "lock" in whose && !isLockName(whose.lock) && !isNamespacedName(whose.lock)) return NOTHING;
  const seen = await ask();
  return { ...seen, sightings: inOrder(seen.sightings.map(sensible)), strangers: seen.strangers.map(sensibleWho) };
}
