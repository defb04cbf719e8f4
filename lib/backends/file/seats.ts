import { QueueFullError } from "../../errors.ts";
import { enterGate } from "./gate.ts";
import type { LockFile } from "./lock_file.ts";
import type { LockFolder } from "./lock_folder.ts";
import { seatName, seatsName } from "./names.ts";
import { NO_WAIT, takeFile } from "./take.ts";

/**
 * Takes one of the seats for the waiters of a lock. The kernel frees it when its process ends. Seats are taken only inside a
 * gate; otherwise all could look taken while other waiters try one after the other.
 *
 * @param lock The lock's name.
 * @param limit How many there are.
 * @returns Close it when the wait is over.
 * @throws {QueueFullError} When all are taken.
 * @throws {LockUnavailableError} When it cannot be found out.
 * @throws The signal's reason when it is aborted.
 */
export async function takeSeat(
  folder: LockFolder,
  lock: string,
  limit: number,
  signal: AbortSignal,
): Promise<LockFile> {
  if (limit > 0) {
    using _gate = await enterGate(folder, seatsName(lock), signal);
    for (let seat = 0; seat < limit; seat++) {
      const file = await takeFile(folder, seatName(lock, seat), NO_WAIT, signal);
      if (file) return file;
    }
  }
  throw new QueueFullError(limit);
}
