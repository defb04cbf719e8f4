import { LockUnavailableError, type Trouble } from "../../errors.ts";
import type { Row } from "./session.ts";
import { sql, type Statement } from "./statement.ts";
import type { Dialect, LedgerColumn } from "./dialect.ts";
import { LedgerBusyError } from "../../ledger/patience.ts";
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

/** What to do about a text that the table cannot hold. Of those that sera writes a key alone cannot be replaced. */
export const UNFIT_KEY =
  "use a key of plain ASCII letters and digits, or keep the ledger in a database that holds all " +
  "characters (UTF8, utf8mb4)";

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
   * @param makes Whether a table that is missing is made. Not where it has been there: somebody has moved it, and may
   * move it back.
   * @throws {LockUnavailableError} When it fails.
   */
  async ask(statement: Statement, makes = true): Promise<readonly Row[]> {
    let made = false;
    for (let tries = 1;; tries++) {
      try {
        return await this.#store.run(statement);
      } catch (error) {
        if (!(error instanceof LockUnavailableError)) throw error;
        const { dialect } = this;
        if (makes && !made && dialect.isMissing("table", error.cause)) await this.#make(createTable(dialect));
        else if (!made && dialect.isMissing("column", error.cause)) await this.#complete(error);
        else if (mayAskAgain(error, tries)) continue;
        else throw this.failure({ what: error.reason }, error);
        made = true;
      }
    }
  }

  /** As {@linkcode ask}, once there has been a table. */
  askAgain(statement: Statement): Promise<readonly Row[]> {
    return this.ask(statement, false);
  }

  /**
   * Why the table does not remember what ran, and what to do; undefined if it does.
   *
   * @param keeping What it has said of itself, see {@linkcode Dialect.keeping}.
   * @throws {LockUnavailableError} When it cannot be asked.
   */
  async whyForgetful(keeping: unknown): Promise<Trouble | undefined> {
    const { dialect } = this;
    const below = dialect.keepingBelow?.(keeping);
    return dialect.whyForgetful(below ? (await this.askAgain(below))[0]?.keeping : keeping);
  }

  /** Statements that fail because another sera was faster do no harm: what counts is whether the table is right then. */
  async #make(statements: readonly Statement[], why = "it is not there yet"): Promise<void> {
    for (const statement of statements) {
      try {
        await this.#store.run(statement);
      } catch (error) {
        if (!(error instanceof LockUnavailableError)) throw error;
        if (!this.dialect.isThereAlready(error.cause)) {
          throw this.failure({ what: `${why}, and it cannot be made: ${error.reason}` }, error);
        }
      }
    }
  }

  /** Adds the columns that an older sera's table lacks; a table that is another program's is left alone. */
  async #complete(why: LockUnavailableError): Promise<void> {
    const { dialect } = this;
    await this.refuseForeign();
    const additions = COLUMN_NAMES.map((name) =>
      sql`ALTER TABLE ${dialect.table} ADD COLUMN ${COLUMNS[name]} ${dialect.types[name]}`
    );
    await this.#make(additions, why.reason);
  }

  /**
   * Makes sure that a table in which a column is missing is sera's all the same.
   *
   * @throws {LockUnavailableError} When it is not, or cannot be read.
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
    await this.refuseForeign();
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
    throw this.failure({ what: error.reason }, error, dialect.grantToRead);
  }

  async #retried(statement: Statement): Promise<readonly Row[]> {
    for (let tries = 1;; tries++) {
      try {
        return await this.#store.run(statement);
      } catch (error) {
        if (!(error instanceof LockUnavailableError && mayAskAgain(error, tries))) throw error;
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
   * The error for what cannot be done with the table.
   *
   * @param cause What the database has said. What to do about it with a table takes the place of what to do with a lock.
   * @param grant What to do where it has said that the user may not.
   */
  failure({ what, cure }: Trouble, cause?: LockUnavailableError, grant = this.dialect.grant): LockUnavailableError {
    const { dialect } = this;
    const ofTable = cause &&
      (dialect.isUnfitText(cause.cause)
        ? UNFIT_KEY
        : dialect.cureOf(cause.cause) ?? (dialect.isRefused(cause.cause) ? grant : undefined));
    const about = { transient: cause?.transient, cause: cause?.cause };
    return new LockUnavailableError(
      `Cannot use the ledger ${dialect.shown}: ${what}`,
      ofTable ?? cure ?? cause?.cure,
      about,
    );
  }
}

/** Whether a statement that has failed so many times is tried once more. */
function mayAskAgain(error: LockUnavailableError, tries: number): boolean {
  // Others that keep the table locked have been waited for.
  return error.transient && !(error instanceof LedgerBusyError) && tries < TRIES;
}
