import type { LockFolder } from "./lock_folder.ts";
import { type HeldSlot, Slots } from "./slots.ts";
import type { Turn } from "./turn.ts";

/**
 * Takes a slot of a lock.
 *
 * @param count How many slots it has.
 * @returns Undefined if all were held for the whole wait.
 * @throws {OtherSlotsError} When the lock is held by somebody for whom it has another number of slots.
 * @throws {QueueFullError} When too many wait for it.
 * @throws {LockUnavailableError} When it cannot be asked for.
 * @throws The signal's reason when it is aborted.
 */
export async function takeSlot(
  folder: LockFolder,
  lock: string,
  count: number,
  turn: Turn,
): Promise<HeldSlot | undefined> {
  using slots = new Slots(folder, lock, count);
  let held = await slots.tryAll(turn.signal);
  if (!held && await turn.mayWait()) {
    const { waitForSlot } = await import("./slot_queue.ts");
    held = await waitForSlot(folder, lock, slots, turn.deadline, turn.signal);
  }
  if (held) slots.keep(held);
  return held;
}
