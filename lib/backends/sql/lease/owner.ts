import { MOST_SLOTS } from "../../../lock/slot_name.ts";

/** How many bytes of an owner are random: together with the fence that names one acquisition. */
const RANDOM = 8;

/** The hex digits between the random ones and the number: "slots:" in ASCII. Owners of before are random all over. */
const SLOTS = "736c6f74733a";

/**
 * Makes the random id of an owner: 32 hex digits. It also tells how many slots the lock has for whoever holds it, so that
 * the number is there exactly as long as the lease; a plain lock has one.
 */
export function newOwner(slots = 1): string {
  return `${crypto.getRandomValues(new Uint8Array(RANDOM)).toHex()}${SLOTS}${slots.toString(16).padStart(4, "0")}`;
}

/** How many slots the lock has for an owner; undefined for a sera that knows of no slots. */
export function slotsFor(owner: string): number | undefined {
  if (owner.slice(2 * RANDOM, -4) !== SLOTS) return undefined;
  const slots = Number.parseInt(owner.slice(-4), 16);
  return slots >= 1 && slots <= MOST_SLOTS ? slots : undefined;
}
