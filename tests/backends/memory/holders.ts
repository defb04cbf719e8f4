/** Who holds the locks of this process, and who waits for them. */

import { OtherSlotsError } from "../../../lib/errors.ts";
import type { Presence } from "../../../lib/lock/presence.ts";
import { slotIn, slotName } from "../../../lib/lock/slot_name.ts";
import type { LockFilter, Sighting } from "../../../lib/who/sighting.ts";

/** Who asks for a lock, or holds it. */
export interface Asker {
  readonly presence: Presence;
  /** The locks that it wants besides. */
  readonly also: readonly string[];
  /** Tells the holder that its lock was taken away. */
  lose?: () => void;
  /** Asks the holder to end. */
  end?: (who: string) => void;
}

/** By the slots' names. */
const HOLDERS = new Map<string, Asker>();

/** What lets each who waits try again, the longest first. */
export const WAITERS = new Map<Asker, () => void>();

/** How many slots each holder of a lock takes it to have. */
function slotsOf(lock: string): number[] {
  return [...HOLDERS].filter(([name]) => slotIn(name).lock === lock)
    .map(([, { presence, also }]) => also.includes(lock) ? 1 : presence.slots ?? 1);
}

function agree(lock: string, asked: number): void {
  const other = slotsOf(lock).find((slots) => slots !== asked);
  if (other !== undefined) throw new OtherSlotsError(other, asked);
}

/**
 * Takes a slot and all locks beside it, if they are free. Nothing can come between.
 *
 * @returns The slot; undefined if one of them is busy.
 */
export function take(querier: Asker): number | undefined {
  const { presence: { lock, slots = 1 }, also } = querier;
  agree(lock, slots);
  for (const name of also) agree(name, 1);
  const slot = Array.from({ length: slots }, (_, slot) => slot).find((slot) => !HOLDERS.has(slotName(lock, slot)));
  if (slot === undefined || also.some((name) => HOLDERS.has(name))) return undefined;
  for (const name of [slotName(lock, slot), ...also]) HOLDERS.set(name, querier);
  return slot;
}

/** Whether it holds its lock. */
export function isHeldBy(querier: Asker): boolean {
  return [...HOLDERS.values()].includes(querier);
}

/** Frees all locks of a session, and lets waiters try again; false if it held nothing. */
export function free(querier: Asker): boolean {
  const held = [...HOLDERS].filter(([, holder]) => holder === querier);
  for (const [name] of held) HOLDERS.delete(name);
  for (const again of [...WAITERS.values()]) again();
  return held.length > 0;
}

/** Takes all locks of a session away; false if it held nothing. */
export function takeAway(holder: Asker): boolean {
  const isHolder = free(holder);
  if (isHolder) holder.lose?.();
  return isHolder;
}

/** Who holds this slot. */
export function holderOf({ lock, slot = 0 }: Sighting): Asker | undefined {
  return HOLDERS.get(slotName(lock, slot));
}

/** All who are there. */
export function sightingsOf(filter: LockFilter): Sighting[] {
  const held = [...HOLDERS].map(([name, { presence }]): Sighting => {
    const { lock, slot } = slotIn(name);
    const hasSlots = lock === presence.lock && presence.slots !== undefined;
    return { ...presence, lock, state: "held", slots: undefined, ...hasSlots ? { slot, slots: presence.slots } : {} };
  });
  const waiting = [...WAITERS.keys()].map(({ presence }): Sighting => ({ ...presence, state: "waiting" }));
  return [...held, ...waiting].filter(({ lock }) => filter === "all" || "lock" in filter && filter.lock === lock);
}
