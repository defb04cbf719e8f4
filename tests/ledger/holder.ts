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
import type { Store } from "../../lib/backends/sql/ledger_table.ts";
import type { Permission, RecordedRun, Rule, Runner } from "../../lib/ledger/run.ts";
import type { HeldLock, Lock, LockSession } from "../../lib/lock/lock.ts";
import { askerOf } from "../../lib/backends/sql/asker.ts";
import { Session } from "../../lib/backends/sql/session.ts";
import type { Statement } from "../../lib/backends/sql/statement.ts";
import { parse } from "../backends/parse.ts";
import { freshName, never, open } from "../backends/open.ts";

/** Who runs, where the test does not care. */
export const RUNNER: Runner = { label: "rotate-logs", host: "web1", pid: 4711, user: "ops" };

/** A day in milliseconds. */
export const DAY = 24 * 3600 * 1000;

/** The rule that lets everything happen. */
export const PLAIN: Rule = { countFailures: false, keepHistory: 90 * DAY };

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
  if (backend instanceof MySqlBackend) return await mySqlStore(askerOf(session), table, patience);
  if (backend instanceof PostgresBackend) return await postgresStore(askerOf(session), table, patience);
  assert.ok(backend instanceof FileBackend);
  return (await loadFileStore(backend.folder, () => undefined, patience))();
}

/** One who holds a lock. Disposing of it ends the session. */
export class Holder implements AsyncDisposable {
  readonly ledger: SqlLedger;
  readonly #backend: Lock;

  private constructor(readonly lock: string, readonly held: HeldLock, readonly store: Store, backend: Lock) {
    this.ledger = new SqlLedger(store);
    this.#backend = backend;
  }

  /** Takes a lock that nobody has, or has just had: a server may take a moment to see that a session has ended. */
  static async start(address: LedgerAddress, lock = freshName()): Promise<Holder> {
    const backend = await open(address.server, lock);
    try {
      const held = await backend.acquire(10_000, never);
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

  /** Asks for a run, as sera does. */
  async begin(rule: Partial<Rule> = {}, runner = RUNNER): Promise<Permission> {
    await this.ledger.abandon(this.lock);
    return await this.ledger.begin(this.lock, runner, { ...PLAIN, ...rule });
  }

  /** Begins a run that nothing keeps from happening. */
  async started(rule: Partial<Rule> = {}, runner = RUNNER): Promise<bigint> {
    const permission = await this.begin(rule, runner);
    if (!permission.granted) assert.fail(`kept from running by run ${permission.because.id}`);
    return permission.id;
  }

  /** Asks for a run that another keeps from happening, and gives that one. */
  async refused(rule: Partial<Rule>): Promise<RecordedRun> {
    const permission = await this.begin(rule);
    if (permission.granted) assert.fail(`run ${permission.id} was granted`);
    return permission.because;
  }

  /** Runs to this end. */
  async ran(outcome: "succeeded" | "failed" | "unstarted", rule: Partial<Rule> = {}, runner = RUNNER): Promise<bigint> {
    const id = await this.started(rule, runner);
    await this.finish(id, outcome, rule);
    return id;
  }

  async finish(id: bigint, outcome: "succeeded" | "failed" | "unstarted", rule: Partial<Rule> = {}): Promise<void> {
    await this.ledger.finish(id, outcome, outcome === "succeeded" ? 0 : 1, { ...PLAIN, ...rule });
  }

  /** The ids that the ledger still has, of all locks, the oldest first. */
  async ids(): Promise<bigint[]> {
    return (await this.ledger.latest(10_000)).map(({ id }) => id).reverse();
  }

  /** A run as the ledger has it. */
  async recorded(id: bigint): Promise<RecordedRun> {
    const run = (await this.ledger.latest(10_000)).find((run) => run.id === id);
    assert.ok(run, `run ${id} is not there`);
    return run;
  }

  /** The server's time in so many milliseconds, as text for clients other than sera. */
  after(milliseconds: number): string {
    return this.asText(this.store.dialect.after(milliseconds));
  }

  /** SQL as text for clients other than sera. */
  asText(statement: Statement): string {
    return statement.textFor(this.store.dialect.spelling);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#backend[Symbol.asyncDispose]();
  }
}
