/**
 * Makes all holders of a lock agree on the number of its slots. Each holder of a slot also locks two marker files in shared
 * mode: the lock's `.slots` file and the file of its number of slots, see `names.ts`. The kernel frees them with the slot,
 * however the holder ends, and nothing depends on text that a full disk would lose.
 *
 * A marker can be tested only by trying to lock it exclusively, which would disturb others who test it at the same moment.
 * So markers are tested, and slots taken, only inside the gate, a file that one process at a time has locked. Holders that
 * release a slot or die do not enter the gate. They free the slot first, then the number's file, and the `.slots` file last.
 * Others who find only a part of these freed look again.
 */

import { LockUnavailableError, OtherSlotsError } from "../../errors.ts";
import { MAX_SLOTS } from "../../lock/slot_name.ts";
import { lstatIfThere } from "../../system/if_there.ts";
import { delayOrAbort } from "../../waiting.ts";
import { enterGate } from "./gate.ts";
import { LockFile } from "./lock_file.ts";
import type { LockFolder } from "./lock_folder.ts";
import { countMarkerName, gateName, markerName } from "./names.ts";
import { LockFileCache } from "./lock_file_cache.ts";

/**
 * How often to read an inconsistent state, and the first pause in between in milliseconds; each is twice as long as the one
 * before, about a second in all. A process that frees its files may get no processor for a while, as in a container that has
 * used up its share.
 */
const MAX_READS = 10;
const FIRST_PAUSE = 2;

/**
 * Reads again until the state is consistent.
 *
 * @param read Returns undefined if the state is inconsistent; it is then called again after a pause, the last time with
 * `isLast`.
 * @throws {LockUnavailableError} When it stays inconsistent.
 */
export async function untilConsistent<T>(
  folder: LockFolder,
  lock: string,
  signal: AbortSignal,
  read: (isLast: boolean) => Promise<T | undefined>,
): Promise<T> {
  for (let reads = 1, pause = FIRST_PAUSE; reads <= MAX_READS; reads++, pause *= 2) {
    const state = await read(reads === MAX_READS);
    if (state !== undefined) return state;
    if (reads < MAX_READS) await delayOrAbort(pause, signal);
    signal.throwIfAborted();
  }
  const path = `${folder.path}/${markerName(lock)}.lock`;
  throw new LockUnavailableError(
    `Cannot tell how many slots the lock has: a process without a slot keeps ${path} locked`,
    `find out which one: fuser ${path}`,
  );
}

/**
 * Refuses to take a lock without slots while others hold it with slots. Call this before and after taking it: before, so
 * that nobody finds a slot busy only because of a lock that is about to be refused.
 *
 * @throws {OtherSlotsError} When others hold it with slots.
 */
export async function refuseSlots(folder: LockFolder, lock: string, signal: AbortSignal): Promise<void> {
  using files = new LockFileCache(folder);
  await untilConsistent(folder, lock, signal, async () => {
    const marker = await files.open(markerName(lock), signal);
    using _gate = await enterGate(folder, gateName(lock), signal);
    if (marker.isFree()) return true;
    const number = await numberInUse(folder, lock, signal);
    if (number !== undefined) throw new OtherSlotsError(number, 1);
    return undefined;
  });
}

/** The number of slots whose marker is held, if any. Call this inside the gate. It is slow, but mostly precedes an error. */
export async function numberInUse(folder: LockFolder, lock: string, signal: AbortSignal): Promise<number | undefined> {
  for (let number = 2; number <= MAX_SLOTS; number++) {
    const name = countMarkerName(lock, number);
    if (!lstatIfThere(`${folder.path}/${name}.lock`)) continue;
    const file = await LockFile.open(folder, name, signal);
    const isFree = file.isFree();
    file.close();
    if (!isFree) return number;
  }
  return undefined;
}
