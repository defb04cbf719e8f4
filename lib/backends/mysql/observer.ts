import type { Observer } from "../backend.ts";
import { observeDatabase } from "../sql/observer.ts";
import type { MySqlDsn } from "./server.ts";
import { mySqlStore } from "./ledger.ts";
import { MySqlLock } from "./lock.ts";
import type { MySqlOptions } from "./options.ts";
import { whatIsElsewhere } from "./replication.ts";
import { readMySqlSightings } from "./sightings.ts";

/**
 * Connects to look at locks.
 *
 * @throws {LockUnavailableError} When the server cannot be asked.
 */
export function observeMySql(dsn: MySqlDsn, options: MySqlOptions, signal: AbortSignal): Promise<Observer> {
  return observeDatabase({
    open: (from) => new MySqlLock(dsn, from === "any server" ? { ...options, allowUnsafeServer: true } : options),
    isScattered: () => false,
    elsewhere: (session, signal) => whatIsElsewhere(session, options.leased, signal),
    sightings: readMySqlSightings,
    ledger: mySqlStore,
  }, signal);
}
