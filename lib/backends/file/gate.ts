import { Deadline } from "../../deadline.ts";
import { LockUnavailableError } from "../../errors.ts";
import { formatDuration } from "../../text/duration.ts";
import type { LockFolder } from "./lock_folder.ts";
import { takeFile } from "./take.ts";

/** How long to wait for others to leave, in milliseconds; each is there for less than one. */
const LIMIT = 10_000;

/**
 * Keeps others out while this one does something with several files that they must see done, or not done. It waits for
 * those who are there, even where sera does not wait for the lock: a slot must not look busy because others look too.
 *
 * @param name The file that keeps them out.
 * @returns Dispose of it soon: it lets the others in.
 * @throws {LockUnavailableError} When somebody stays there, which happens only to a process that is stopped.
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
