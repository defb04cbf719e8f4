import type { Deadline } from "../../deadline.ts";
import { Bell } from "./bell.ts";
import type { LockFolder } from "./lock_folder.ts";
import { queueName } from "./names.ts";
import type { HeldSlot, Slots } from "./slots.ts";
import { takeFile } from "./take.ts";

/** The shortest and the longest pause between two looks, in milliseconds, and how many there are in the time since a ring. */
const SHORTEST = 10;
const LONGEST = 1000;
const PAUSES = 8;

/**
 * Waits for a free slot. Of all who wait only the first looks for one; the others wait for its place, which the kernel gives
 * to the next one, also when the first is killed. If it is stopped, they wait, but whoever comes then still gets a free slot.
 *
 * The first does not wait for the slots' files as one waits for a plain lock's. Such a wait takes a thread for each slot, and
 * cannot be cancelled: all but one would stay in the kernel's queues while the command runs, and a slot that comes free would
 * go to one of those first, and look busy. So a bell tells when a holder ends, and pauses that grow make up for its
 * weaknesses: after a ring too, since a process that dies may ring before its slot is free.
 *
 * @returns Undefined if none came free until the deadline.
 * @throws {OtherSlotsError} When meanwhile the lock was taken by somebody for whom it has another number of slots.
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
  if (!place) return undefined;
  try {
    using bell = new Bell(slots.bell);
    for (let rang = performance.now();;) {
      const held = await slots.tryAll(signal);
      if (held || deadline.passed) return held;
      const pause = Math.min(LONGEST, Math.max(SHORTEST, (performance.now() - rang) / PAUSES));
      if (await bell.rung(Math.min(pause, deadline.remaining), signal)) rang = performance.now();
    }
  } finally {
    place.close();
  }
}
