import type { OpenLedger } from "../../ledger/ledger.ts";
import type { Patience } from "../../ledger/patience.ts";
import type { TableName } from "../../ledger/table_name.ts";
import { SqlLedger } from "./ledger.ts";
import type { Store } from "./store.ts";
import { type Querier, querierOf, type SettingsFrom } from "./querier.ts";

/** Opens a ledger in the session that holds the lock. */
export function ledgerIn(
  storeIn: (querier: Querier, table: TableName, patience: Patience, settings?: SettingsFrom) => Store,
  table: TableName,
  patience: Patience,
): OpenLedger {
  return ({ session }) => {
    const querier = querierOf(session);
    return Promise.resolve(new SqlLedger(storeIn(querier, table, patience, querier.settingsFrom), patience));
  };
}
