import { MAX_SLOTS } from "../../../lock/slot_name.ts";

/** How many bytes of an owner id are random. Together with the fencing token, they identify one acquisition. */
const RANDOM = 8;

/** The hex digits before the number of slots: "slots:" in ASCII. In older versions, owner ids are entirely random. */
const SLOTS = "736c6f74733a";

/**
 * Makes a random owner id of 32 hex digits. It includes how many slots the lock has for its holder, so that this number
 * lives exactly as long as the lease; a plain lock has one.
 */
export function newOwner(slots = 1): string {
  return `${crypto.getRandomValues(new Uint8Array(RANDOM)).toHex()}${SLOTS}${slots.toString(16).padStart(4, "0")}`;
}

/** How many slots the lock has for an owner; undefined for an older sera without slots. */
export function slotsFor(owner: string): number | undefined {
  if (owner.slice(2 * RANDOM, -4) !== SLOTS) return undefined;
  const slots = Number.parseInt(owner.slice(-4), 16);
  return slots >= 1 && slots <= MAX_SLOTS ? slots : undefined;
}
