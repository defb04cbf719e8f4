import type { Sighting } from "./sighting.ts";

/**
 * Leaves out the internal locks of rules (`once`, `every`), which a sera with slots holds so that no two apply a rule at
 * the same time. Nobody knows them by name: a waiter for one is shown as a waiter for the lock that has the slots.
 *
 * A sera with slots holds no other locks besides these.
 */
export function withoutRuleLocks(sightings: readonly Sighting[]): readonly Sighting[] {
  const left = withoutThose(sightings);
  // With two rules, a sera may hold the lock of one and wait for that of the other.
  return left === sightings ? left : withoutRuleLocks(left);
}

/** @returns The same if there are none. */
function withoutThose(sightings: readonly Sighting[]): readonly Sighting[] {
  const inSlots = sightings.filter(({ slots }) => slots !== undefined);
  if (inSlots.length === 0) return sightings;
  const locks = new Map<string, Sighting>();
  for (const one of sightings) {
    const main = one.slots === undefined && inSlots.find((other) => other.lock !== one.lock && isSame(other, one));
    if (main) locks.set(one.lock, main);
  }
  if (locks.size === 0) return sightings;
  return sightings.flatMap((one) => {
    const main = locks.get(one.lock);
    if (!main) return [one];
    const { lock, namespace, name, slots } = main;
    // Some backends show a waiter under both names.
    const isShown = sightings.some((other) => other.lock === lock && other.state === "waiting" && isSame(other, one));
    return one.state === "held" || isShown ? [] : [{ ...one, lock, namespace, name, slots }];
  });
}

/** Whether two sightings are of one process. */
function isSame(a: Sighting, b: Sighting): boolean {
  if (a.session !== undefined || b.session !== undefined) return a.session === b.session;
  return a.pid !== undefined && a.pid === b.pid && a.host !== undefined && a.host === b.host;
}
