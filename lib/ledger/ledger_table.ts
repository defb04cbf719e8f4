import { LockUnavailableError } from "../errors.ts";
import type { Row } from "../lock/session.ts";
import { sql, type Statement } from "../sql/statement.ts";
import type { Dialect, LedgerColumn } from "./dialect.ts";
import { COLUMN_NAMES, COLUMNS, createTable } from "./schema.ts";

/** Where a ledger's table is. */
export interface Store {
  readonly dialect: Dialect;
  /**
   * Runs one statement, and makes what it changes last.
   *
   * @throws {LockUnavailableError} When it fails; its cause is what the database said.
   */
  run(statement: Statement): Promise<readonly Row[]>;
}

/** How often a statement is tried that an administrator, a limit or another session has broken off. */
const TRIES = 3;

/** The ledger's table, which is made, or completed, when it turns out that it is needed. */
export class LedgerTable {
  readonly dialect: Dialect;
  readonly #store: Store;

  constructor(store: Store) {
    this.dialect = store.dialect;
    this.#store = store;
  }

  /**
   * Runs a statement for somebody who writes.
   *
   * @throws {LockUnavailableError} When it fails.
   */
  async ask(statement: Statement): Promise<readonly Row[]> {
    let made = false;
    for (let tries = 1;; tries++) {
      try {
        return await this.#store.run(statement);
      } catch (error) {
        if (!(error instanceof LockUnavailableError)) throw error;
        const { dialect } = this;
        if (!made && dialect.isMissing("table", error.cause)) await this.#make(createTable(dialect), error);
        else if (!made && dialect.isMissing("column", error.cause)) await this.#complete(error);
        else if (!error.transient || tries === TRIES) throw this.failure(error.reason, error);
        else continue;
        made = true;
      }
    }
  }

  /** Statements that fail because another sera was faster do no harm: what counts is whether the table is right then. */
  async #make(statements: readonly Statement[], why: LockUnavailableError): Promise<void> {
    for (const statement of statements) {
      try {
        await this.#store.run(statement);
      } catch (error) {
        if (!(error instanceof LockUnavailableError)) throw error;
        if (!this.dialect.isThereAlready(error.cause)) {
          throw this.failure(`${why.reason}, and it cannot be made: ${error.reason}`, error);
        }
      }
    }
  }

  /** Adds the columns that an older sera's table lacks; a table that is another program's is left alone. */
  async #complete(why: LockUnavailableError): Promise<void> {
    const { dialect } = this;
    await this.#refuseForeign();
    const additions = COLUMN_NAMES.map((name) =>
      sql`ALTER TABLE ${dialect.table} ADD COLUMN ${COLUMNS[name]} ${dialect.types[name]}`
    );
    await this.#make(additions, why);
  }

  async #refuseForeign(): Promise<void> {
    const { dialect } = this;
    try {
      await this.#store.run(sql`SELECT id, version, lock_name FROM ${dialect.table} LIMIT 1`);
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
      if (!dialect.isMissing("column", error.cause)) throw this.failure(error.reason, error);
      throw this.failure("this table is not sera's; name another one with --ledger-table");
    }
  }

  /**
   * Lets somebody read who does nothing else: what is missing is not made, and it takes no more than the right to read.
   *
   * @param read Is called once more with the columns that the table lacks, if it lacks any.
   * @returns Undefined when there is no table.
   * @throws {LockUnavailableError} When it cannot be read.
   */
  async reading<T>(
    read: (ask: Store["run"], missing: readonly LedgerColumn[]) => Promise<T>,
  ): Promise<T | undefined> {
    const ask: Store["run"] = (statement) => this.#retried(statement);
    try {
      return await read(ask, []);
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
      if (!this.dialect.isMissing("column", error.cause)) return this.#notRead(error);
    }
    await this.#refuseForeign();
    try {
      return await read(ask, await this.#missingColumns(ask));
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
      return this.#notRead(error);
    }
  }

  /** @throws {LockUnavailableError} For anything but a table that is not there. */
  #notRead(error: LockUnavailableError): undefined {
    const { dialect } = this;
    if (dialect.isMissing("table", error.cause) || dialect.isMissing("schema", error.cause)) return undefined;
    throw this.failure(error.reason, error, dialect.grantToRead);
  }

  async #retried(statement: Statement): Promise<readonly Row[]> {
    for (let tries = 1;; tries++) {
      try {
        return await this.#store.run(statement);
      } catch (error) {
        if (!(error instanceof LockUnavailableError) || !error.transient || tries === TRIES) throw error;
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

  /** The error for what cannot be done with the table. */
  failure(reason: string, cause?: LockUnavailableError, grant = this.dialect.grant): LockUnavailableError {
    const { dialect } = this;
    // The cure for a table takes the place of the one for a database.
    const what = cause && dialect.isRefused(cause.cause) ? `${reason.split("; ")[0]}; ${grant}` : reason;
    const said = `Cannot use the ledger ${dialect.shown}: ${what}`;
    const failure = new LockUnavailableError(said, false, said);
    failure.cause = cause?.cause;
    return failure;
  }
}
