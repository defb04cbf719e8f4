import type { Observer } from "../backends/backend.ts";
import type { Io } from "../io.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { Patience } from "../ledger/patience.ts";
import type { TableName } from "../ledger/table_name.ts";

/**
 * The ledger that an observer reads.
 *
 * @returns Undefined if no run has created it yet.
 * @throws {LockUnavailableError} When it cannot be read.
 */
export function ledgerIn(observer: Observer, table: TableName, { timeouts }: Io): Promise<Ledger | undefined> {
  return observer.ledger(table, new Patience(undefined, timeouts?.ledgerWait));
}
