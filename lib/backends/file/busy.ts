import { messageOf, TroubleError } from "../../errors.ts";
import type { Contention, Patience } from "../../ledger/patience.ts";

/** What SQLite says of a file that another process writes. */
export const BUSY = "database is locked";

const CONTENTION: Contention = {
  // By its words: not all of node:sqlite's errors have a number.
  isBusy: (error) => messageOf(error).endsWith(BUSY),
  giveUpError: (error, how, isInterrupted) =>
    new TroubleError(`${messageOf(error)}${how}`, isInterrupted ? undefined : "see which process keeps it open"),
};

/**
 * Tries as long as another process has to be waited for.
 *
 * @param attempt Throws {@linkcode BUSY}, or what SQLite says, then. Must be short, for nothing else happens meanwhile.
 * @throws What the last try has thrown.
 */
export function whileBusy<T>(patience: Patience, attempt: () => T): Promise<T> {
  return patience.whileBusy(attempt, CONTENTION);
}
