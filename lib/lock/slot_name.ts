/** The most slots that a lock can have. */
export const MOST_SLOTS = 256;

/** A slot's name: that of its lock, and its number. */
const SLOT = /^(.+)\.([1-9]\d{0,2})$/;

/**
 * The name that the backend uses for one slot of a lock. Slot 0 is the lock itself, so that it excludes those who know of
 * no slots. Each further slot is a lock of its own, whose name nobody else computes.
 *
 * @param lock The lock's name, from `lockNameIn()`.
 * @param slot From 0 to {@linkcode MOST_SLOTS} - 1.
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

/** The lock and the slot that {@linkcode slotName} made a name of. Any other name is that of slot 0. */
export function slotIn(name: string): { readonly lock: string; readonly slot: number } {
  const [, lock, slot] = SLOT.exec(name) ?? [];
  return lock === undefined || Number(slot) >= MOST_SLOTS ? { lock: name, slot: 0 } : { lock, slot: Number(slot) };
}
