import { Deadline } from "../../deadline.ts";
import { LockUnavailableError } from "../../errors.ts";
import { formatDuration } from "../../text/duration.ts";
import type { LockFolder } from "./lock_folder.ts";
import { takeFile } from "./take.ts";

/** How long to wait for others to leave, in milliseconds; each stays for less than one. */
const LIMIT = 10_000;

/**
 * Locks a mutex for work on several files that others must not see half done. Waits for whoever is inside, even if sera
 * does not wait for the lock itself: a slot must not look busy because others are just looking too.
 *
 * @param name The name of the file that serves as the mutex.
 * @returns Dispose of it soon, to let the others in.
 * @throws {LockUnavailableError} When a process stays inside, which happens only if it is stopped.
 * @throws The signal's reason when it is aborted.
 */
export async function enterGate(folder: LockFolder, name: string, signal: AbortSignal): Promise<Disposable> {
  const file = await takeFile(folder, name, new Deadline(LIMIT), signal);
  if (file) return { [Symbol.dispose]: () => file.close() };
  const path = `${folder.path}/${name}.lock`;
  throw new LockUnavailableError(
    `Cannot ask for the lock: another process has kept ${path} locked for ${formatDuration(LIMIT)}`,
    `resume it if it is stopped, or end it: fuser ${path}`,
  );
}
