import { QueueFullError } from "../../errors.ts";
import { enterGate } from "./gate.ts";
import type { LockFile } from "./lock_file.ts";
import type { LockFolder } from "./lock_folder.ts";
import { seatName, seatsName } from "./names.ts";
import { NOW, takeFile } from "./take.ts";

/**
 * Takes one of the seats for those who wait for a lock. The kernel frees it when whoever sits there ends. At the gate, since
 * otherwise all could seem to be taken while others change places.
 *
 * @param lock The lock's name.
 * @param limit How many there are.
 * @returns Close it when the wait is over.
 * @throws {QueueFullError} When all are taken.
 * @throws {LockUnavailableError} When that cannot be told.
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
      const file = await takeFile(folder, seatName(lock, seat), NOW, signal);
      if (file) return file;
    }
  }
  throw new QueueFullError(limit);
}
