/** Those who write to a ledger, as sera does it: one who holds a lock, and the ledger beside it. */

import assert from "node:assert/strict";
import type { TableName } from "../../lib/ledger/table_name.ts";
import { FileBackend } from "../../lib/backends/file/backend.ts";
import { loadFileStore } from "../../lib/backends/file/load_ledger.ts";
import { MySqlBackend } from "../../lib/backends/mysql/backend.ts";
import { mySqlStore } from "../../lib/backends/mysql/ledger.ts";
import { PostgresBackend } from "../../lib/backends/postgres/backend.ts";
import { postgresStore } from "../../lib/backends/postgres/ledger.ts";
import { Patience } from "../../lib/ledger/patience.ts";
import { SqlLedger } from "../../lib/backends/sql/ledger.ts";
import type { Store } from "../../lib/backends/sql/store.ts";
import type { HeldLock, Lock, LockSession } from "../../lib/lock/lock.ts";
import { querierOf } from "../../lib/backends/sql/querier.ts";
import { Session } from "../../lib/backends/sql/session.ts";
import type { Statement } from "../../lib/backends/sql/statement.ts";
import { parse } from "../backends/parse.ts";
import { freshName, never, open } from "../backends/open.ts";
import { HANG } from "../cli/wait.ts";
import { RunHolder } from "./run_holder.ts";

export { DAY, PLAIN, RUNNER } from "./run_holder.ts";

/** Where a ledger is. */
export interface LedgerAddress {
  /** The `server` setting. */
  readonly server: string;
  readonly table: TableName;
}

/** Opens the store of a ledger, in the session that holds the lock where there is one. */
export async function openStoreAt({ server, table }: LedgerAddress, session: LockSession | undefined): Promise<Store> {
  const backend = await parse(server);
  const patience = new Patience();
  if (backend instanceof MySqlBackend) return await mySqlStore(querierOf(session), table, patience);
  if (backend instanceof PostgresBackend) return await postgresStore(querierOf(session), table, patience);
  assert.ok(backend instanceof FileBackend);
  return (await loadFileStore(backend.folder, () => undefined, patience))();
}

/** One who holds a lock. Disposing of it ends the session. */
export class Holder extends RunHolder {
  readonly ledger: SqlLedger;
  readonly #backend: Lock;

  private constructor(readonly lock: string, readonly held: HeldLock, readonly store: Store, backend: Lock) {
    super();
    this.ledger = new SqlLedger(store);
    this.#backend = backend;
  }

  /** Acquires a lock that is free, or soon will be: a server may notice late that a session has ended. */
  static async start(address: LedgerAddress, lock = freshName()): Promise<Holder> {
    const backend = await open(address.server, lock);
    try {
      const held = await backend.acquire(HANG, never);
      if (!held) throw new Error("somebody else has the lock");
      return new Holder(lock, held, await openStoreAt(address, held.session), backend);
    } catch (error) {
      await backend[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The session of a database that holds the lock. */
  get session(): Session {
    assert.ok(this.held.session instanceof Session);
    return this.held.session;
  }

  /** The server's time in so many milliseconds, as text for clients other than sera. */
  after(milliseconds: number): string {
    return this.asText(this.store.dialect.after(milliseconds));
  }

  /** SQL as text for clients other than sera. */
  asText(statement: Statement): string {
    return statement.textFor(this.store.dialect.quoting);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#backend[Symbol.asyncDispose]();
  }
}
