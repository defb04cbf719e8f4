import { lstatIfThere } from "../../system/if_there.ts";
import type { LockFile } from "./lock_file.ts";
import type { LockFolder } from "./lock_folder.ts";
import { marksName } from "./names.ts";
import { NOW, takeFile } from "./take.ts";
import type { Turn } from "./turn.ts";

/**
 * Takes a lock without slots.
 *
 * @returns Its file; undefined if somebody else held it for the whole wait.
 * @throws {OtherSlotsError} When it is held by somebody with slots.
 * @throws {QueueFullError} When too many wait for it.
 * @throws {LockUnavailableError} When it cannot be asked for.
 * @throws The signal's reason when it is aborted.
 */
export async function takePlain(folder: LockFolder, lock: string, turn: Turn): Promise<LockFile | undefined> {
  const { deadline, signal } = turn;
  await refuseSlots();
  const file = await takeFile(folder, lock, NOW, signal) ??
    (await turn.mayWait() ? await takeFile(folder, lock, deadline, signal) : undefined);
  if (!file) return undefined;
  let isRefused = true;
  try {
    // Somebody with slots who came in between cannot have seen this one.
    await refuseSlots();
    isRefused = false;
    return file;
  } finally {
    if (isRefused) file.close();
  }

  async function refuseSlots(): Promise<void> {
    if (!lstatIfThere(`${folder.path}/${marksName(lock)}.lock`)) return;
    await (await import("./agreement.ts")).refuseSlots(folder, lock, signal);
  }
}
