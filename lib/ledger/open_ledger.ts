import type { Backend } from "../backends/backend.ts";
import type { Store } from "../backends/sql/ledger_table.ts";
import type { LockSession } from "../lock/lock.ts";
import type { Io } from "../io.ts";
import { Ledger } from "./ledger.ts";
import { Patience } from "./patience.ts";
import type { TableName } from "./table_name.ts";

/** Opens the ledger in the session that holds the lock; there is none with files. */
export type OpenLedger = (session: LockSession | undefined) => Promise<Ledger>;

/**
 * Loads what a server's ledger needs, which takes longer than to open it: so that is done before the lock is held.
 *
 * @param interrupted Fires at a signal that is to end sera: then nothing is waited for any longer.
 * @throws {LockUnavailableError} When its folder cannot be used.
 */
export async function loadLedger(
  server: Backend,
  table: TableName,
  { env, limits }: Io,
  interrupted?: AbortSignal,
): Promise<OpenLedger> {
  const patience = new Patience(interrupted, limits?.ledgerWait);
  const open = await loadStore(server, table, env, patience);
  return async (session) => new Ledger(await open(session), patience);
}

/**
 * Loads the place where the ledger is kept, as {@linkcode loadLedger} does.
 *
 * @param env Reads an environment variable.
 * @throws {LockUnavailableError} When its folder cannot be used.
 */
export async function loadStore(
  { ledger }: Backend,
  table: TableName,
  env: (name: string) => string | undefined,
  patience = new Patience(),
): Promise<(session: LockSession | undefined) => Promise<Store>> {
  return await ledger!.load(table, env, patience);
}
