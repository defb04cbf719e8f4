import type { OpenLedger } from "../../ledger/ledger.ts";
import type { Patience } from "../../ledger/patience.ts";
import type { TableName } from "../../ledger/table_name.ts";
import { SqlLedger } from "./ledger.ts";
import type { Store } from "./store.ts";
import { type Asker, askerOf, type SettingsFrom } from "./asker.ts";

/** Opens a ledger in the session that holds the lock. */
export function ledgerIn(
  storeIn: (asker: Asker, table: TableName, patience: Patience, settings?: SettingsFrom) => Store,
  table: TableName,
  patience: Patience,
): OpenLedger {
  return ({ session }) => {
    const asker = askerOf(session);
    return Promise.resolve(new SqlLedger(storeIn(asker, table, patience, asker.settingsFrom), patience));
  };
}
