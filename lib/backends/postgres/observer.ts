import type { Observer } from "../backend.ts";
import { observeDatabase } from "../sql/observer.ts";
import type { PostgresServer } from "./server.ts";
import { whatIsElsewhere } from "./elsewhere.ts";
import { postgresStore } from "./ledger.ts";
import { PostgresLock } from "./lock.ts";
import type { PostgresOptions } from "./options.ts";
import type { PostgresSession } from "./session.ts";
import { readPostgresSightings } from "./sightings.ts";

/**
 * Connects to look at locks.
 *
 * @throws {LockUnavailableError} When the server cannot be asked.
 */
export function observePostgres(
  server: PostgresServer,
  options: PostgresOptions,
  signal: AbortSignal,
): Promise<Observer> {
  return observeDatabase<PostgresSession>({
    open: (from) =>
      from === "any server"
        ? new PostgresLock({ ...server, targetSessionAttrs: "any" }, { ...options, allowUnsafeServer: true })
        : new PostgresLock(server, options),
    // A run checks the pooler first; here it may spread statements over several sessions.
    isScattered: ({ pooled }) => pooled,
    elsewhere: whatIsElsewhere,
    sightings: readPostgresSightings,
    ledger: postgresStore,
  }, signal);
}
