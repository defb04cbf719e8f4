import type { Deadline } from "../../deadline.ts";
import { pauseAfter } from "../../lock/pause_after.ts";
import { CloseWatcher } from "./close_watcher.ts";
import type { LockFolder } from "./lock_folder.ts";
import { queueName } from "./names.ts";
import type { HeldSlot, Slots } from "./slots.ts";
import { takeFile } from "./take.ts";

/**
 * Waits for a free slot. Only the first waiter tries the slots; the others wait for its place, which the kernel gives to the
 * next one, even if the first is killed. If the first is stopped, they keep waiting, and try once more when their time is
 * over; a newcomer still gets a free slot.
 *
 * The first waiter does not lock the slots' files with a blocking call, as for a plain lock. That would take a thread for
 * each slot and cannot be cancelled: all but one call would stay in the kernel's queues while the command runs, and a slot
 * that comes free would go to one of those first and look busy. So it watches for holders that end, and also retries with
 * growing pauses, since a notice may be missing, or come before a dying process has freed its slot.
 *
 * @returns Undefined if none came free before the deadline.
 * @throws {OtherSlotsError} When others have taken the lock with another number of slots.
 * @throws {LockUnavailableError} When the files cannot be used.
 * @throws The signal's reason when it is aborted.
 */
export async function waitForSlot(
  folder: LockFolder,
  lock: string,
  slots: Slots,
  deadline: Deadline,
  signal: AbortSignal,
): Promise<HeldSlot | undefined> {
  const place = await takeFile(folder, queueName(lock), deadline, signal);
  if (!place) return await slots.tryAll(signal);
  try {
    using watcher = new CloseWatcher(slots.watchedPath);
    for (let since = performance.now();;) {
      const held = await slots.tryAll(signal);
      if (held || deadline.passed) return held;
      const pause = pauseAfter(performance.now() - since);
      if (await watcher.closed(Math.min(pause, deadline.remaining), signal)) since = performance.now();
    }
  } finally {
    place.close();
  }
}
