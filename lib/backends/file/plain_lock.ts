import { lstatIfThere } from "../../system/if_there.ts";
import type { LockFile } from "./lock_file.ts";
import type { LockFolder } from "./lock_folder.ts";
import { markerName } from "./names.ts";
import { NO_WAIT, takeFile } from "./take.ts";
import type { Attempt } from "./attempt.ts";

/**
 * Takes a lock without slots.
 *
 * @returns Its file; undefined if somebody else held it for the whole wait.
 * @throws {OtherSlotsError} When others hold it with slots.
 * @throws {QueueFullError} When the limit of waiters is reached.
 * @throws {LockUnavailableError} When it cannot be asked for.
 * @throws The signal's reason when it is aborted.
 */
export async function takePlain(folder: LockFolder, lock: string, attempt: Attempt): Promise<LockFile | undefined> {
  const { deadline, signal } = attempt;
  await refuseSlots();
  const file = await takeFile(folder, lock, NO_WAIT, signal) ??
    (await attempt.mayWait() ? await takeFile(folder, lock, deadline, signal) : undefined);
  if (!file) return undefined;
  let isRefused = true;
  try {
    // Somebody may have taken a slot in between, without seeing this lock.
    await refuseSlots();
    isRefused = false;
    return file;
  } finally {
    if (isRefused) file.close();
  }

  async function refuseSlots(): Promise<void> {
    if (!lstatIfThere(`${folder.path}/${markerName(lock)}.lock`)) return;
    await (await import("./slot_agreement.ts")).refuseSlots(folder, lock, signal);
  }
}
