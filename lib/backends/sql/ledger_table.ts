import { LockUnavailableError, type Trouble } from "../../errors.ts";
import type { Row } from "./row.ts";
import type { Store } from "./store.ts";
import { sql, type Statement } from "./statement.ts";
import type { Dialect, LedgerColumn } from "./dialect.ts";
import { LedgerBusyError } from "../../ledger/patience.ts";
import { COLUMN_NAMES, COLUMNS, createTable } from "./schema.ts";

/** How often to try a statement that an administrator, a limit or another session aborts. */
const TRIES = 3;

/** What to do about a key that the table cannot store. (In other texts, such characters are replaced.) */
export const UNFIT_KEY =
  "use a key of plain ASCII letters and digits, or keep the ledger in a database that holds all " +
  "characters (UTF8, utf8mb4)";

/** The ledger's table. The table or its missing columns are created when a statement fails for lack of them. */
export class LedgerTable {
  readonly dialect: Dialect;
  readonly batch: Store["batch"];
  readonly #store: Store;

  constructor(store: Store) {
    this.dialect = store.dialect;
    this.batch = store.batch;
    this.#store = store;
  }

  /**
   * Runs a statement for a writer.
   *
   * @param creates Whether to create a missing table. Not if it has existed before: somebody has moved it, and may move it
   * back.
   * @param first As for {@linkcode Store.run}.
   * @throws {LockUnavailableError} When it fails.
   */
  async ask(statement: Statement, creates = true, first?: Parameters<Store["run"]>[1]): Promise<readonly Row[]> {
    let made = false;
    for (let tries = 1;; tries++) {
      try {
        return await this.#store.run(statement, tries === 1 ? first : undefined);
      } catch (error) {
        if (!(error instanceof LockUnavailableError)) throw error;
        const { dialect } = this;
        if (creates && !made && dialect.isMissing("table", error.cause)) await this.#make(createTable(dialect));
        else if (!made && dialect.isMissing("column", error.cause)) await this.#addColumns(error);
        else if (mayRetry(error, tries)) continue;
        else throw this.failure({ what: error.reason }, error);
        made = true;
      }
    }
  }

  /** Like {@linkcode ask}, but does not create the table, since it has existed before. */
  askExisting(statement: Statement, first?: Parameters<Store["run"]>[1]): Promise<readonly Row[]> {
    return this.ask(statement, false, first);
  }

  /** Runs CREATE or ALTER statements. Ignores failures because another sera was faster. */
  async #make(statements: readonly Statement[], why = "it does not exist yet"): Promise<void> {
    for (const statement of statements) {
      try {
        await this.#store.run(statement);
      } catch (error) {
        if (!(error instanceof LockUnavailableError)) throw error;
        if (!this.dialect.isThereAlready(error.cause)) {
          throw this.failure({ what: `${why}, and cannot be created: ${error.reason}` }, error);
        }
      }
    }
  }

  /** Adds the columns that a table of an older version lacks; leaves tables of other programs alone. */
  async #addColumns(why: LockUnavailableError): Promise<void> {
    const { dialect } = this;
    await this.refuseForeign();
    const additions = COLUMN_NAMES.map((name) =>
      sql`ALTER TABLE ${dialect.table} ADD COLUMN ${COLUMNS[name]} ${dialect.types[name]}`
    );
    await this.#make(additions, why.reason);
  }

  /**
   * Makes sure that a table that lacks a column is sera's.
   *
   * @throws {LockUnavailableError} When it is another program's, or cannot be read.
   */
  async refuseForeign(): Promise<void> {
    const { dialect } = this;
    try {
      await this.#store.run(sql`SELECT id, version, lock_name FROM ${dialect.table} LIMIT 1`);
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
      if (!dialect.isMissing("column", error.cause)) throw this.failure({ what: error.reason }, error);
      throw this.failure({ what: "this table is not sera's", cure: dialect.cureOfForeign });
    }
  }

  /**
   * Reads without writing: creates nothing, and needs only the SELECT privilege.
   *
   * @param read Called a second time, with the columns that the table lacks, if there are any.
   * @returns Undefined when there is no table.
   * @throws {LockUnavailableError} When it cannot be read.
   */
  async reading<T>(
    read: (ask: Store["run"], missing: readonly LedgerColumn[]) => Promise<T>,
  ): Promise<T | undefined> {
    const ask: Store["run"] = (statement) => this.#askWithRetries(statement);
    try {
      return await read(ask, []);
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
      if (!this.dialect.isMissing("column", error.cause)) return this.#unreadable(error);
    }
    await this.refuseForeign();
    try {
      return await read(ask, await this.#missingColumns(ask));
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
      return this.#unreadable(error);
    }
  }

  /** @throws {LockUnavailableError} Unless the error is only that there is no table. */
  #unreadable(error: LockUnavailableError): undefined {
    const { dialect } = this;
    if (dialect.isMissing("table", error.cause) || dialect.isMissing("schema", error.cause)) return undefined;
    throw this.failure({ what: error.reason }, error, dialect.grantToRead);
  }

  async #askWithRetries(statement: Statement): Promise<readonly Row[]> {
    for (let tries = 1;; tries++) {
      try {
        return await this.#store.run(statement);
      } catch (error) {
        if (!(error instanceof LockUnavailableError && mayRetry(error, tries))) throw error;
      }
    }
  }

  async #missingColumns(ask: Store["run"]): Promise<readonly LedgerColumn[]> {
    const missing: LedgerColumn[] = [];
    for (const name of COLUMN_NAMES) {
      try {
        await ask(sql`SELECT ${COLUMNS[name]} FROM ${this.dialect.table} LIMIT 1`);
      } catch (error) {
        if (!(error instanceof LockUnavailableError) || !this.dialect.isMissing("column", error.cause)) throw error;
        missing.push(name);
      }
    }
    return missing;
  }

  /**
   * Makes the error for a table that cannot be used.
   *
   * @param cause The database's error. Its cure for locks is replaced by one for tables, if there is one.
   * @param grant What to do if the user lacks a privilege; by default, what to do about a missing privilege to write.
   */
  failure({ what, cure }: Trouble, cause?: LockUnavailableError, grant?: string): LockUnavailableError {
    const { dialect } = this;
    const ofTable = cause &&
      (dialect.isUnencodable(cause.cause) ? UNFIT_KEY : dialect.cureOf(cause.cause) ??
        (dialect.isRefused(cause.cause) ? grant ?? dialect.grantOf?.(cause.cause) ?? dialect.grant : undefined));
    const about = { transient: cause?.transient, cause: cause?.cause };
    return new LockUnavailableError(
      `Cannot use the ledger ${dialect.shown}: ${what}`,
      ofTable ?? cure ?? cause?.cure,
      about,
    );
  }
}

/** Whether to retry a statement that has failed this many times. */
function mayRetry(error: LockUnavailableError, tries: number): boolean {
  // LedgerBusyError comes after a long wait for a lock on the table.
  return error.transient && !(error instanceof LedgerBusyError) && tries < TRIES;
}
