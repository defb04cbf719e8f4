import type { LastRun } from "../../doctor/usable_ledger.ts";
import { LockUnavailableError } from "../../errors.ts";
import { LedgerTable } from "./ledger_table.ts";
import type { Store } from "./store.ts";
import { readLatest } from "./rows.ts";

/**
 * Reads the ledger's last run.
 *
 * @throws {LockUnavailableError} When it cannot be read.
 */
export async function lastRun(store: Store): Promise<LastRun> {
  const { dialect, run } = store;
  try {
    return (await readLatest(dialect, undefined, 1, run))[0];
  } catch (error) {
    if (!(error instanceof LockUnavailableError)) throw error;
    if (dialect.isMissing("table", error.cause)) return "no table";
    if (dialect.isMissing("column", error.cause)) return undefined;
    throw new LedgerTable(store).failure({ what: error.reason }, error);
  }
}
