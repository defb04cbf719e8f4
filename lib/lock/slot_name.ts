/** The maximum number of slots of a lock. */
export const MAX_SLOTS = 256;

/** A slot's name: that of its lock, and its number. */
const SLOT = /^(.+)\.([1-9]\d{0,2})$/;

/**
 * The name that the backend uses for one slot of a lock. Slot 0 is the plain lock itself, so that runs without
 * slots are excluded too. Each further slot is a lock of its own, with a name that no other lock has.
 *
 * @param lock The lock's name, from `lockNameIn()`.
 * @param slot From 0 to {@linkcode MAX_SLOTS} - 1.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { slotIn, slotName } from "./slot_name.ts";
 *
 * const lock = "5373fa7de6f7dd54052abf86b3a53da4";
 * assert.equal(slotName(lock, 0), lock);
 * assert.deepEqual(slotIn(slotName(lock, 2)), { lock, slot: 2 });
 * ```
 */
export function slotName(lock: string, slot: number): string {
  return slot === 0 ? lock : `${lock}.${slot}`;
}

/** The reverse of {@linkcode slotName}. Any other name is taken as slot 0 of the lock with that name. */
export function slotIn(name: string): { readonly lock: string; readonly slot: number } {
  const [, lock, slot] = SLOT.exec(name) ?? [];
  return lock === undefined || Number(slot) >= MAX_SLOTS ? { lock: name, slot: 0 } : { lock, slot: Number(slot) };
}
