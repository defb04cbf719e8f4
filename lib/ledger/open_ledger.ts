import type { TableName } from "../settings/ledger_settings.ts";
import type { Server } from "../settings/server.ts";
import type { Io } from "../io.ts";
import { defaultLedgerFolder } from "../backends/file/default_folder.ts";
import { prepareLockFolder } from "../backends/file/lock_folder.ts";
import type { Session } from "../backends/sql/session.ts";
import type { Dialect } from "../backends/sql/dialect.ts";
import { SqlLedger } from "../backends/sql/ledger.ts";
import type { Ledger } from "./ledger.ts";
import type { Store } from "../backends/sql/ledger_table.ts";
import { Patience } from "./patience.ts";

/**
 * Loads what a server's ledger needs, which takes longer than to open it: so that is done before the lock is held.
 *
 * @param interrupted Fires at a signal that is to end sera: then nothing is waited for any longer.
 * @throws {LockUnavailableError} When its folder cannot be used.
 */
export async function loadLedger(
  server: Server,
  table: TableName,
  { env, limits }: Io,
  interrupted?: AbortSignal,
): Promise<(session: Session | undefined) => Promise<Ledger>> {
  const patience = new Patience(interrupted, limits?.ledgerWait);
  const open = await loadStore(server, table, env, patience);
  return async (session) => new SqlLedger(await open(session), patience);
}

/**
 * Loads the place where the ledger is kept, as {@linkcode loadLedger} does.
 *
 * @param env Reads an environment variable.
 * @throws {LockUnavailableError} When its folder cannot be used.
 */
export async function loadStore(
  server: Server,
  table: TableName,
  env: (name: string) => string | undefined,
  patience = new Patience(),
): Promise<(session: Session | undefined) => Promise<Store>> {
  switch (server.kind) {
    case "file": {
      const path = server.folder ?? defaultLedgerFolder(env).path;
      const folder = prepareLockFolder(path, server.folder === undefined);
      if (folder.group !== undefined) {
        const { sharedStore } = await import("../backends/file/shared_file.ts");
        return () => Promise.resolve(sharedStore(folder, patience));
      }
      const { fileStore } = await import("../backends/file/ledger.ts");
      return () => Promise.resolve(fileStore(folder, patience));
    }
    case "mysql": {
      const { mySqlStore } = await import("../backends/mysql/ledger.ts");
      return (session) => mySqlStore(session!, table, patience);
    }
    case "postgres": {
      const { postgresStore } = await import("../backends/postgres/ledger.ts");
      return (session) => postgresStore(session!, table, patience);
    }
  }
}

/** The dialect of a server, for those who only want to see the table's definition; undefined for files. */
export async function dialectOf(server: Server, table: TableName): Promise<Dialect | undefined> {
  if (server.kind === "file") return undefined;
  if (server.kind === "mysql") return (await import("../backends/mysql/ledger.ts")).mySqlDialect(table);
  return (await import("../backends/postgres/ledger.ts")).postgresDialect(table);
}
