import { messageOf, TroubleError } from "../../errors.ts";
import type { Contention, Patience } from "../../ledger/patience.ts";

/** SQLite's message for a file that another process is writing. */
export const BUSY = "database is locked";

const CONTENTION: Contention = {
  // By the message, since not all errors of node:sqlite have a code.
  isBusy: (error) => messageOf(error).endsWith(BUSY),
  giveUpError: (error, how, isInterrupted) =>
    new TroubleError(`${messageOf(error)}${how}`, isInterrupted ? undefined : "see which process keeps it open"),
};

/**
 * Retries while another process is writing the file.
 *
 * @param attempt Throws SQLite's error, or one with the message {@linkcode BUSY}, if it must be retried. Must be short,
 * since it blocks everything else.
 * @throws The error of the last attempt.
 */
export function whileBusy<T>(patience: Patience, attempt: () => T): Promise<T> {
  return patience.whileBusy(attempt, CONTENTION);
}
