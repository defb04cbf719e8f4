/**
 * How all who hold a lock agree on the number of its slots. Whoever holds a slot also holds, in shared mode, the lock's
 * marks and the file of its number, see `names.ts`: the kernel frees them with the slot, however the holder ends, and
 * nothing depends on a text that a full disk would lose.
 *
 * Such a mark can be seen only by trying to lock it alone, which would disturb others who look at the same moment. So all
 * who look, and all who take a slot, do that at the gate, one at a time; there nobody comes in between, either. Only those
 * who release a slot, or die, do not pass the gate, and may do that in any order. So what does not fit together is looked at
 * again.
 */

import { LockUnavailableError, OtherSlotsError } from "../../errors.ts";
import { MOST_SLOTS } from "../../lock/slot_name.ts";
import { lstatIfThere } from "../../system/if_there.ts";
import { delayOrAbort } from "../../waiting.ts";
import { enterGate } from "./gate.ts";
import { LockFile } from "./lock_file.ts";
import type { LockFolder } from "./lock_folder.ts";
import { gateName, marksName, numberName } from "./names.ts";
import { OpenFiles } from "./open_files.ts";

/** How often, and after how many milliseconds, to look again at what does not fit together. */
const LOOKS = 10;
const PAUSE = 10;

/**
 * Repeats a look until it is clear.
 *
 * @param look Returns undefined when what it sees does not fit together; called again after a pause, and the last time with
 * `isLast`.
 * @throws {LockUnavailableError} When that does not pass.
 */
export async function untilClear<T>(
  folder: LockFolder,
  lock: string,
  signal: AbortSignal,
  look: (isLast: boolean) => Promise<T | undefined>,
): Promise<T> {
  for (let looks = 1; looks <= LOOKS; looks++) {
    const seen = await look(looks === LOOKS);
    if (seen !== undefined) return seen;
    await delayOrAbort(PAUSE, signal);
    signal.throwIfAborted();
  }
  const path = `${folder.path}/${marksName(lock)}.lock`;
  throw new LockUnavailableError(
    `Cannot tell how many slots the lock has: a process without a slot keeps ${path} locked`,
    `find out which one: fuser ${path}`,
  );
}

/**
 * Refuses a lock without slots that is held by somebody with slots. To be called before and after it is taken; then nobody
 * finds a slot busy only because this one is about to be refused.
 *
 * @throws {OtherSlotsError} When it is.
 */
export async function refuseSlots(folder: LockFolder, lock: string, signal: AbortSignal): Promise<void> {
  using files = new OpenFiles(folder);
  await untilClear(folder, lock, signal, async () => {
    const marks = await files.open(marksName(lock), signal);
    using _gate = await enterGate(folder, gateName(lock), signal);
    if (marks.isFree()) return true;
    const number = await numberInUse(folder, lock, signal);
    if (number !== undefined) throw new OtherSlotsError(number, 1);
    return undefined;
  });
}

/** The number for which somebody holds a mark. To be called at the gate; it takes long, but ends in an error as a rule. */
export async function numberInUse(folder: LockFolder, lock: string, signal: AbortSignal): Promise<number | undefined> {
  for (let number = 2; number <= MOST_SLOTS; number++) {
    const name = numberName(lock, number);
    if (!lstatIfThere(`${folder.path}/${name}.lock`)) continue;
    const file = await LockFile.open(folder, name, signal);
    const isFree = file.isFree();
    file.close();
    if (!isFree) return number;
  }
  return undefined;
}
