import { OtherSlotsError } from "../../../errors.ts";
import { ExpiryWatch } from "../../../lock/expiry_watch.ts";
import { slotName } from "../../../lock/slot_name.ts";
import type { Look } from "./look.ts";
import { slotsFor } from "./owner.ts";
import { freeIn, type Lease, type TakeFrom } from "./row.ts";

/** A slot that may be claimed. */
export interface OpenSlot {
  /** The name of its row. */
  readonly lock: string;
  readonly slot: number;
  /** Whose lease may be taken: our own, by a claim whose answer got lost; nobody's; or one that is over. */
  readonly from: "mine" | TakeFrom;
}

/** Who looks for an open slot. */
export interface Seeker {
  readonly lock: string;
  /** How many slots there are. */
  readonly slots: number;
  readonly owner: string;
  /** As in `TakeFrom`; undefined if no clock is to say that a lease is over. */
  readonly ttls: 0 | 1 | undefined;
}

/**
 * The slots that may be claimed: our own first, then those that nobody has, then those whose holder is silent. Leases of
 * those who take the lock to have another number of slots have been freed, or they are refused before.
 *
 * @param expiries By the slots' names, what was seen of them before. A slot that is seen for the first time goes by the
 * server's clock, and then by its silence alone.
 * @throws {OtherSlotsError} When a sera that knows of no slots holds the lock, and nobody else does.
 */
export function openSlots(
  { leases }: Look,
  expiries: Map<string, ExpiryWatch<Lease>>,
  { lock, slots, owner, ttls }: Seeker,
): readonly OpenSlot[] {
  const byName = new Map(leases.map((lease) => [lease.lock, lease]));
  const [own, free, over]: [OpenSlot[], OpenSlot[], OpenSlot[]] = [[], [], []];
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
      over.push({ lock: name, slot, from: { seen: lease } });
    } else held++;
  }
  const zero = byName.get(lock);
  const isZeroHeld = zero !== undefined && slotsFor(zero.owner) === undefined && !over.some(({ slot }) => slot === 0);
  if (isZeroHeld && held === 1 && own.length === 0) throw new OtherSlotsError(1, slots);
  return [...own, ...free, ...over];
}

/** In any order, so that those who were beaten to one slot do not all try the same next one; our own stays first. */
export function shuffled(open: readonly OpenSlot[]): readonly OpenSlot[] {
  const others = open.filter(({ from }) => from !== "mine").map((one) => ({ one, at: Math.random() }));
  return [...open.filter(({ from }) => from === "mine"), ...others.sort((a, b) => a.at - b.at).map(({ one }) => one)];
}
