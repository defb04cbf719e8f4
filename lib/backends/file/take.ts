import type { Deadline } from "../../deadline.ts";
import { aborted, elapsed, firstOf, settled } from "../../waiting.ts";
import { LockUnavailableError, messageOf } from "../../errors.ts";
import { LockFile } from "./lock_file.ts";
import type { LockFolder } from "./lock_folder.ts";

/** How often to start again because somebody removed the file. */
const TRIES = 1000;

/** The deadline of those who do not wait. */
export const NOW: Pick<Deadline, "remaining"> = { remaining: 0 };

/**
 * Opens a lock's file and locks it.
 *
 * @param name The lock's name, or that of a file beside it.
 * @param deadline Until when to wait for whoever has locked it.
 * @returns The file, which is in place; undefined if it was locked until the deadline.
 * @throws {LockUnavailableError} When it cannot be used.
 * @throws The signal's reason when it is aborted.
 */
export async function takeFile(
  folder: LockFolder,
  name: string,
  deadline: Pick<Deadline, "remaining">,
  signal: AbortSignal,
): Promise<LockFile | undefined> {
  for (let tries = 0; tries < TRIES; tries++) {
    signal.throwIfAborted();
    const file = await LockFile.open(folder, name, signal);
    const turn = await take(file, deadline.remaining, signal);
    if (turn === "busy") return undefined;
    if (turn === "held") return file;
  }
  throw removedAgain(folder);
}

/** The error for files that are removed again and again. */
export function removedAgain({ path }: LockFolder): LockUnavailableError {
  return new LockUnavailableError(
    `Cannot hold a lock in ${path}: something keeps removing its file`,
    "find out what does that",
  );
}

/**
 * Locks a file, or closes it.
 *
 * @returns `gone` if somebody removed it during the wait: nobody else will meet a lock on the removed file.
 */
async function take(file: LockFile, wait: number, signal: AbortSignal): Promise<"held" | "busy" | "gone"> {
  let givenUp = false;
  try {
    if (!file.tryLock() && !await granted()) return "busy";
    if (isInPlace(file)) return "held";
    file.close();
    return "gone";
  } catch (error) {
    if (!givenUp) file.close();
    throw error;
  }

  async function granted(): Promise<boolean> {
    if (wait === 0) {
      file.close();
      return false;
    }
    // The wait cannot be cancelled. If it is given up, the lock is freed as soon as it is granted, or when the process ends.
    const granted = file.lock().then(() => true);
    const isGranted = await firstOf(settled(granted), aborted(signal, () => false), elapsed(wait, () => false));
    if (isGranted) return true;
    givenUp = true;
    const close = () => file.close();
    granted.then(close, close);
    signal.throwIfAborted();
    return false;
  }
}

/**
 * Whether a lock's file is still where others meet its lock.
 *
 * @throws {LockUnavailableError} When that cannot be told.
 */
export function isInPlace(file: LockFile): boolean {
  try {
    return file.isInPlace();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new LockUnavailableError(
      `Cannot look at the lock file: ${file.path}: ${messageOf(error)}`,
      "check its folder",
    );
  }
}
