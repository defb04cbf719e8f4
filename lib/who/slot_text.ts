import { slotIn } from "../lock/slot_name.ts";
import type { Sighting } from "./sighting.ts";

/** What is known about slots from a sighting. */
type InSlot = Pick<Sighting, "state" | "slot" | "slots">;

/** The slot that somebody holds, from 0 on; undefined for a plain lock, and for a waiter, who waits for any. */
export function slotHeld({ state, slot, slots }: InSlot): number | undefined {
  if (state === "waiting") return undefined;
  return slot ?? (slots === undefined ? undefined : 0);
}

/** The slot, and of how many, for a table: `2/3`; `-/3` for a waiter; undefined for a plain lock. */
export function slotCell(sighting: InSlot): string | undefined {
  const { slots } = sighting;
  const slot = slotHeld(sighting);
  if (slots === undefined) return slot?.toString();
  return `${slot ?? "-"}/${slots}`;
}

/** The same for a sentence, to follow the lock: ` slot 2 of 3`; empty for a plain lock. */
export function slotWords(sighting: InSlot): string {
  const slot = slotHeld(sighting);
  if (slot === undefined) return "";
  return ` slot ${slot}${sighting.slots === undefined ? "" : ` of ${sighting.slots}`}`;
}

/** A `--lock` that ends in a slot: `5373fa7de6f7.2`. Undefined for one without; the names of a namespace may have dots. */
export function slotAskedFor(text: string): { readonly lock: string; readonly slot: number } | undefined {
  if (!/^[-0-9a-f,]+\.\d+$/.test(text)) return undefined;
  if (text.endsWith(".0")) return { lock: text.slice(0, -2), slot: 0 };
  const asked = slotIn(text);
  return asked.slot === 0 ? undefined : asked;
}
