import type { Sighting } from "./sighting.ts";

/**
 * Leaves out the locks that sera holds only so that no two go by the same rule at once: they belong to the lock whose
 * slot it holds, or waits for, and nobody knows them by name. Who waits for one of them waits for that lock.
 *
 * A sera with slots holds no other lock besides.
 */
export function withoutRuleLocks(sightings: readonly Sighting[]): readonly Sighting[] {
  const left = withoutThose(sightings);
  // Who goes by two rules may hold the lock of one and wait for that of the other.
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
    // Some places show a waiter under both names.
    const isShown = sightings.some((other) => other.lock === lock && other.state === "waiting" && isSame(other, one));
    return one.state === "held" || isShown ? [] : [{ ...one, lock, namespace, name, slots }];
  });
}

/** Whether two sightings are of one process. */
function isSame(a: Sighting, b: Sighting): boolean {
  if (a.session !== undefined || b.session !== undefined) return a.session === b.session;
  return a.pid !== undefined && a.pid === b.pid && a.host !== undefined && a.host === b.host;
}
