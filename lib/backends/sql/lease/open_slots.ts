import { OtherSlotsError } from "../../../errors.ts";
import { ExpiryWatch } from "../../../lock/expiry_watch.ts";
import { slotName } from "../../../lock/slot_name.ts";
import type { Snapshot } from "./snapshot.ts";
import { slotsFor } from "./owner.ts";
import { freeIn, type Lease, type TakeFrom } from "./row.ts";

/** A slot that may be claimed. */
export interface OpenSlot {
  /** The name of its row. */
  readonly lock: string;
  readonly slot: number;
  /** Whose lease may be taken: our own, from a claim whose answer was lost; nobody's; or an expired one. */
  readonly from: "mine" | TakeFrom;
}

/** What a claimer of a slot needs. */
export interface SlotSeeker {
  readonly lock: string;
  /** How many slots there are. */
  readonly slots: number;
  readonly owner: string;
  /** As in `TakeFrom`; undefined if no clock may decide that a lease has expired. */
  readonly ttls: 0 | 1 | undefined;
}

/**
 * The slots that may be claimed: our own first, then free ones, then expired ones. Leases with another number of slots have
 * been freed before, or this run refused.
 *
 * @param expiries What was observed before, by the slots' names. The expiry of a slot that is seen for the first time is
 * judged by the server's clock, later by observation alone.
 * @throws {OtherSlotsError} When the lock is held by an older sera without slots, and by nobody else.
 */
export function openSlots(
  { leases }: Snapshot,
  expiries: Map<string, ExpiryWatch<Lease>>,
  { lock, slots, owner, ttls }: SlotSeeker,
): readonly OpenSlot[] {
  const byName = new Map(leases.map((lease) => [lease.lock, lease]));
  const [own, free, expired]: [OpenSlot[], OpenSlot[], OpenSlot[]] = [[], [], []];
  let held = 0;
  for (let slot = 0; slot < slots; slot++) {
    const name = slotName(lock, slot);
    const lease = byName.get(name);
    const isFreed = lease !== undefined && slotsFor(lease.owner) !== undefined && slotsFor(lease.owner) !== slots;
    const isFirst = !expiries.has(name);
    const expiry = expiries.get(name) ?? new ExpiryWatch<Lease>();
    expiries.set(name, expiry);
    expiry.observe(isFreed ? undefined : lease);
    if (lease === undefined || isFreed) free.push({ lock: name, slot, from: "nobody" });
    else if (lease.owner === owner) own.push({ lock: name, slot, from: "mine" });
    else if (expiry.expired() || isFirst && ttls !== undefined && freeIn(lease, ttls) <= 0) {
      expired.push({ lock: name, slot, from: { seen: lease } });
    } else held++;
  }
  const zero = byName.get(lock);
  const isZeroHeld = zero !== undefined && slotsFor(zero.owner) === undefined &&
    !expired.some(({ slot }) => slot === 0);
  if (isZeroHeld && held === 1 && own.length === 0) throw new OtherSlotsError(1, slots);
  return [...own, ...free, ...expired];
}

/** In random order, so that those who lost one slot do not all try the same one next; our own stays first. */
export function shuffled(open: readonly OpenSlot[]): readonly OpenSlot[] {
  const others = open.filter(({ from }) => from !== "mine").map((one) => ({ one, at: Math.random() }));
  return [...open.filter(({ from }) => from === "mine"), ...others.sort((a, b) => a.at - b.at).map(({ one }) => one)];
}
