import type { LockOptions, Observer } from "../backend.ts";
import { presenceOf } from "../../lock/presence.ts";
import type { TableName } from "../../ledger/table_name.ts";
import { observeDatabase, type ObserverQueries } from "../sql/observer.ts";
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
export async function observePostgres(
  server: PostgresServer,
  options: PostgresOptions & LockOptions,
  signal: AbortSignal,
): Promise<Observer> {
  const { leaseTable } = options;
  return await observeDatabase<PostgresSession>({
    elsewhere: (session, signal) => whatIsElsewhere(session, leaseTable !== undefined, signal),
    ledger: postgresStore,
    ...leaseTable ? await leasesOn(server, options, leaseTable) : {
      open: (from) =>
        from === "any server"
          ? new PostgresLock(anyOf(server), { ...options, allowUnsafeServer: true })
          : new PostgresLock(server, options),
      // A run checks the pooler first; here it may spread statements over several sessions.
      isScattered: ({ pooled }) => pooled,
      sightings: readPostgresSightings,
      handleOf: async (holder, ...by) => (await import("./holder_handle.ts")).handleOnPostgres(holder, options, ...by),
    },
  }, signal);
}

async function leasesOn(
  server: PostgresServer,
  options: PostgresOptions & LockOptions,
  table: TableName,
): Promise<Pick<ObserverQueries<PostgresSession>, "open" | "isScattered" | "sightings" | "handleOf">> {
  const [{ postgresLeaseLock, postgresLeaseServer }, { readLeaseSightings }] = await Promise.all([
    import("./lease_lock.ts"),
    import("../sql/lease/sightings.ts"),
  ]);
  const leases = postgresLeaseServer(server, options, table);
  return {
    open: (from) =>
      from === "any server"
        ? postgresLeaseLock(anyOf(server), { ...options, observesOnly: true }, table)
        : postgresLeaseLock(server, options, table),
    isScattered: () => false,
    sightings: (...looking) => readLeaseSightings(leases, ...looking),
    handleOf: async (holder, open, signal) => {
      const [{ handleOnLease }, { handleOnPostgres }] = await Promise.all([
        import("../sql/lease/holder_handle.ts"),
        import("./holder_handle.ts"),
      ]);
      const by = presenceOf(holder.lock, options);
      return await handleOnLease(
        { server: leases, holder, by, open },
        () => handleOnPostgres(holder, options, open, signal),
      );
    },
  };
}

function anyOf(server: PostgresServer): PostgresServer {
  return { ...server, targetSessionAttrs: "any" };
}
