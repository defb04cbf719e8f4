import { OtherSlotsError } from "../errors.ts";
import type { Sighting } from "./sighting.ts";

/**
 * The first slot that nobody holds; undefined if there is none.
 *
 * @param held The holders of a lock.
 * @param slots How many it has; 1 for a plain lock.
 */
export function freeSlot(held: readonly Sighting[], slots: number): number | undefined {
  if (held.length >= slots) return undefined;
  const taken = new Set(held.map(({ slot = 0 }) => slot));
  return Array.from({ length: slots }, (_, slot) => slot).find((slot) => !taken.has(slot));
}

/**
 * Refuses a number of slots that is not the one that the holders have, as far as these show it.
 *
 * @param held The holders of a lock.
 * @param asked How many slots are asked for; 1 for a plain lock.
 * @param lock Which lock it is, to begin a sentence.
 * @throws {OtherSlotsError}
 */
export function refuseOtherSlots(held: readonly Sighting[], asked: number, lock?: string): void {
  const told = held.flatMap(({ slots }) => slots ?? []);
  const plain = told.length === 0 && held.some(({ host, slot = 0 }) => host !== undefined && slot === 0) ? [1] : [];
  const other = [...told, ...plain].find((slots) => slots !== asked);
  if (other !== undefined) throw new OtherSlotsError(other, asked, lock);
}
