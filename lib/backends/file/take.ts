import type { Deadline } from "../../deadline.ts";
import { aborted, elapsed, firstOf, settled } from "../../waiting.ts";
import { LockUnavailableError, messageOf } from "../../errors.ts";
import { LockFile } from "./lock_file.ts";
import type { LockFolder } from "./lock_folder.ts";

/** How often to start again when the file is removed. */
const ATTEMPTS = 1000;

/** The deadline for trying once. */
export const NO_WAIT: Pick<Deadline, "remaining"> = { remaining: 0 };

/**
 * Opens a lock's file and locks it.
 *
 * @param name The name of the lock, or of one of its auxiliary files.
 * @param deadline Until when to wait if it is locked.
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
  for (let tries = 0; tries < ATTEMPTS; tries++) {
    signal.throwIfAborted();
    const file = await LockFile.open(folder, name, signal);
    const state = await take(file, deadline.remaining, signal);
    if (state === "busy") return undefined;
    if (state === "held") return file;
  }
  throw keepsVanishing(folder);
}

/** The error for files that are removed repeatedly. */
export function keepsVanishing({ path }: LockFolder): LockUnavailableError {
  return new LockUnavailableError(
    `Cannot hold a lock in ${path}: something keeps removing its file`,
    "find out what does that",
  );
}

/**
 * Locks a file, or closes it.
 *
 * @returns `gone` if it was removed during the wait: a lock on a removed file excludes nobody.
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
 * Whether a lock's file is still at its path, where others lock it.
 *
 * @throws {LockUnavailableError} When it cannot be found out.
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
