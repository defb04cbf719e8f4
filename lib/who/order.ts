import type { Sighting } from "./sighting.ts";

/** Sorts by lock: holders by slot, then waiters by queue position, or else the longest wait first and unknown ones last. */
export function inOrder(sightings: readonly Sighting[]): readonly Sighting[] {
  return sightings.toSorted((a, b) =>
    compare(a.lock, b.lock) || compare(a.state, b.state) || (a.slot ?? 0) - (b.slot ?? 0) || byTime(a, b)
  );
}

/** Session numbers grow, so they tell who came first if the server does not say when. */
function byTime(a: Sighting, b: Sighting): number {
  if (a.state !== "waiting") return 0;
  if (a.queuePosition !== undefined && b.queuePosition !== undefined) return a.queuePosition < b.queuePosition ? -1 : 1;
  const since = (a.since ?? Infinity) === (b.since ?? Infinity) ? 0 : (a.since ?? Infinity) - (b.since ?? Infinity);
  return since || (a.session ?? 0) - (b.session ?? 0);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
