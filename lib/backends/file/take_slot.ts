import type { LockFolder } from "./lock_folder.ts";
import { type HeldSlot, Slots } from "./slots.ts";
import type { Attempt } from "./attempt.ts";

/**
 * Takes a slot of a lock.
 *
 * @param count How many slots it has.
 * @returns Undefined if all were held for the whole wait.
 * @throws {OtherSlotsError} When others hold the lock with another number of slots.
 * @throws {QueueFullError} When the limit of waiters is reached.
 * @throws {LockUnavailableError} When it cannot be asked for.
 * @throws The signal's reason when it is aborted.
 */
export async function takeSlot(
  folder: LockFolder,
  lock: string,
  count: number,
  attempt: Attempt,
): Promise<HeldSlot | undefined> {
  using slots = new Slots(folder, lock, count);
  let held = await slots.tryAll(attempt.signal);
  if (!held && await attempt.mayWait()) {
    const { waitForSlot } = await import("./slot_queue.ts");
    held = await waitForSlot(folder, lock, slots, attempt.deadline, attempt.signal);
  }
  if (held) slots.keep(held);
  return held;
}
