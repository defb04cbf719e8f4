import type { TableName } from "../config/ledger_settings.ts";
import type { Server } from "../config/server.ts";
import { defaultLedgerFolder, prepareLockFolder } from "../lock/lock_folder.ts";
import type { Session } from "../lock/session.ts";
import type { Dialect } from "./dialect.ts";
import { Ledger } from "./ledger.ts";
import type { Store } from "./ledger_table.ts";

/**
 * Opens the ledger beside a lock. What a kind of server needs is loaded only when it is asked for.
 *
 * @param session The one that holds the lock; undefined for files.
 * @param env Reads an environment variable.
 * @throws {LockUnavailableError} When it cannot be used.
 */
export async function openLedger(
  server: Server,
  session: Session | undefined,
  table: TableName,
  env: (name: string) => string | undefined,
): Promise<Ledger> {
  return new Ledger(await openStore(server, session, table, env));
}

/**
 * Opens the place where the ledger is kept, as {@linkcode openLedger} does.
 *
 * @throws {LockUnavailableError} When it cannot be used.
 */
export async function openStore(
  server: Server,
  session: Session | undefined,
  table: TableName,
  env: (name: string) => string | undefined,
): Promise<Store> {
  switch (server.kind) {
    case "file": {
      const folder = server.folder ?? defaultLedgerFolder(env);
      prepareLockFolder(folder, server.folder === undefined);
      return (await import("./file.ts")).fileStore(folder);
    }
    case "mysql":
      return await (await import("./mysql.ts")).mySqlStore(session!, table);
    case "postgres":
      return await (await import("./postgres.ts")).postgresStore(session!, table);
  }
}

/** The dialect of a server, for those who only want to see the table's definition; undefined for files. */
export async function dialectOf(server: Server, table: TableName): Promise<Dialect | undefined> {
  if (server.kind === "file") return undefined;
  if (server.kind === "mysql") return (await import("./mysql.ts")).mySqlDialect(table);
  return (await import("./postgres.ts")).postgresDialect(table);
}
