import { messageOf, TroubleError } from "../../errors.ts";
import type { Contention, Patience } from "../../ledger/patience.ts";

/** SQLite's message for a file that another process is writing. */
export const BUSY = "database is locked";

const CONTENTION: Contention = {
  // By the message: not all of node:sqlite's errors have a code.
  isBusy: (error) => messageOf(error).endsWith(BUSY),
  giveUpError: (error, how, isInterrupted) =>
    new TroubleError(`${messageOf(error)}${how}`, isInterrupted ? undefined : "see which process keeps it open"),
};

/**
 * Tries again while another process is writing the file.
 *
 * @param attempt Throws SQLite's error, or one with the message {@linkcode BUSY}, in this case. Must be short, since it
 * blocks everything else.
 * @throws What the last try threw.
 */
export function whileBusy<T>(patience: Patience, attempt: () => T): Promise<T> {
  return patience.whileBusy(attempt, CONTENTION);
}
