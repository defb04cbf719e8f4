import { LockUnavailableError } from "../../errors.ts";
import type { TableName } from "../../ledger/table_name.ts";
import { exactFrom } from "../../text/untrusted.ts";
import { type Answer, answerIn, askOne } from "../sql/answer.ts";
import type { Querier } from "../sql/querier.ts";
import { type Outcome, rowsIfAny } from "../sql/batch.ts";
import type { Released } from "../sql/lease/table.ts";
import { explained, LEASE_WORDS, leaseFailure, REDEFINE, UNIQUE_NAMES } from "../sql/lease/failure.ts";
import { createLeases, leaseSchemaText } from "../sql/lease/schema.ts";
import { LOCK_WAIT } from "../sql/ledger_statements.ts";
import type { Row } from "../sql/row.ts";
import { MYSQL } from "../sql/quoting.ts";
import { sql, type Statement } from "../sql/statement.ts";
import { storageOf } from "./storage.ts";
import { leaseErrors } from "./lease_errors.ts";
import { keysOfNames } from "./lease_sql.ts";
import { isBrokenOff, isDuplicate, isMissing, isThereAlready } from "./table_errors.ts";
import { decodeText, ENGINE, shownTable, tableIn, TEXT, WORD } from "./table_sql.ts";

/** How often to send a statement that the server rolls back in favour of another transaction. */
const ATTEMPTS = 5;

/** The columns of the answer to a change, see `QueryOptions.counts`. */
const COUNTS = ["affected", "last_id", "warnings"] as const;

/** The server's answer to a statement that changes rows. */
export interface Change {
  /** Whether there was such a row. */
  readonly changed: boolean;
  /** The argument of `LAST_INSERT_ID()`. */
  readonly lastId: bigint;
  readonly warnings: bigint;
}

/** Runs statements on the table of leases, and creates it. Its errors say what to do about the table. */
export class MySqlLeaseStore {
  readonly shown: string;
  readonly table: Statement;
  readonly #name: TableName;
  readonly #isGalera: () => boolean;

  constructor(name: TableName, isGalera: () => boolean) {
    this.#name = name;
    this.#isGalera = isGalera;
    this.shown = shownTable(name);
    this.table = tableIn(name);
  }

  /** Runs a statement that returns rows. */
  rows(querier: Querier, statement: Statement): Promise<readonly Row[]> {
    return this.#run(() => querier.queryAll(statement, { serverTime: LOCK_WAIT }));
  }

  /**
   * Runs a statement that changes a row.
   *
   * @param most How many rows it may change at most, in all tables together.
   */
  async change(querier: Querier, statement: Statement, max = 1n): Promise<Change> {
    return await this.changeAnd(querier, statement, [], max);
  }

  /** Like {@linkcode change}, with further statements in the same message. */
  async changeAnd(
    querier: Querier,
    statement: Statement,
    then: readonly Statement[],
    max: bigint,
  ): Promise<Change & Pick<Released, "outcomes">> {
    const options = { serverTime: LOCK_WAIT, counts: true };
    let outcomes: readonly Outcome[] = [];
    const all: Pick<Querier, "where" | "queryAll"> = then.length === 0 || !querier.batch ? querier : {
      where: querier.where,
      queryAll: async (first, options) => {
        const [outcome, ...others] = await querier.batch!([first, ...then], options);
        if (!outcome || "error" in outcome) throw outcome?.error;
        outcomes = others;
        return outcome.rows;
      },
    };
    const answer = await this.#run(() => askOne(all, statement, COUNTS, options));
    return { ...this.#changeIn(answer, max), outcomes };
  }

  /** Runs statements that change a row each, in one message if possible. */
  async changeEach(querier: Querier, [first, ...others]: readonly Statement[]): Promise<readonly Change[]> {
    if (!first) return [];
    const { outcomes, ...change } = await this.changeAnd(querier, first, others, 1n);
    const changes = [change];
    for (const [index, statement] of others.entries()) {
      const rows = rowsIfAny(outcomes[index]);
      // Sent alone it may succeed, or its error says what to do about the table.
      changes.push(rows ? this.#changeIn(answerIn(querier, rows, COUNTS)) : await this.change(querier, statement));
    }
    return changes;
  }

  #changeIn(answer: Answer<typeof COUNTS[number]>, max = 1n): Change {
    const affected = answer.exact("affected");
    if (affected > max) {
      throw leaseFailure(this.shown, { what: "it has several rows with the same name", cure: UNIQUE_NAMES });
    }
    return { changed: affected > 0n, lastId: answer.exact("last_id"), warnings: answer.exact("warnings") };
  }

  /** Inserts a row unless it exists; creates the table if there is none. */
  async insert(querier: Querier, statement: Statement): Promise<void> {
    for (let made = false;; made = true) {
      await this.#refuseUnfit(querier);
      try {
        await this.change(querier, statement);
        return;
      } catch (error) {
        if (!(error instanceof LockUnavailableError)) throw error;
        if (isDuplicate(error.cause)) return;
        if (made || !isMissing("table", error.cause)) throw error;
        await this.#make(querier);
      }
    }
  }

  /** The error for a table that keeps something other than what was written. */
  changing(what: string): LockUnavailableError {
    const cure = `define its columns as in ${LEASE_WORDS.definition}, without triggers`;
    return leaseFailure(this.shown, { what: `it does not store ${what} unchanged`, cure });
  }

  /** The definition, see `LeaseTable.schema()`. */
  schema(): string {
    return leaseSchemaText(this.table, this.#definition(), MYSQL);
  }

  /**
   * Checks the table before inserting the first row of a lock; a table that has lost its rows comes here again. Does not check
   * the keys of a view's table.
   */
  async #refuseUnfit(querier: Querier): Promise<void> {
    const { flag } = LEASE_WORDS;
    const { storage, storageBelow, whyVolatile } = storageOf(this.#name, flag, "others would run at the same time");
    const [row] = await this.rows(querier, sql`SELECT ${storage} AS storage, ${keysOfNames(this.#name)} AS name_keys`);
    const below = storageBelow(row?.storage);
    const kept = below ? (await this.rows(querier, below))[0]?.storage : row?.storage;
    const trouble = whyVolatile(kept);
    if (trouble !== undefined) throw leaseFailure(this.shown, trouble);
    const engine = /^BASE TABLE (.+)$/.exec(decodeText(kept) ?? "")?.[1];
    if (engine === undefined) return;
    if ((exactFrom(row?.name_keys) ?? 0n) === 0n) {
      const what = "it may have several rows with the same name, so others would run at the same time";
      throw leaseFailure(this.shown, { what, cure: REDEFINE });
    }
    if (!this.#isGalera() || /^innodb$/i.test(engine)) return;
    const what = `the cluster does not replicate the table (engine ${engine}), so others would run at the same time`;
    throw leaseFailure(this.shown, { what, cure: `ALTER TABLE ${this.shown} ENGINE=InnoDB` });
  }

  /** Creates the table. Ignores that another sera was faster. */
  async #make(querier: Querier): Promise<void> {
    try {
      await querier.queryAll(this.#definition(), { serverTime: LOCK_WAIT });
    } catch (error) {
      if (!(error instanceof LockUnavailableError) || error.transient) throw error;
      if (isThereAlready(error.cause)) return;
      const { cureOf, isRefused, grant } = leaseErrors(this.shown);
      const what = `it does not exist yet, and cannot be created: ${error.reason}`;
      throw leaseFailure(this.shown, { what, cure: isRefused(error.cause) ? grant : cureOf(error.cause) }, error);
    }
  }

  #definition(): Statement {
    return createLeases(this.table, {
      name: sql`${WORD} NOT NULL PRIMARY KEY`,
      owner: sql`${WORD} NULL`,
      fence: sql`BIGINT NOT NULL`,
      beat: sql`BIGINT NOT NULL`,
      ttl_ms: sql`BIGINT NOT NULL`,
      expires: sql`DATETIME(3) NOT NULL`,
      host: sql`${TEXT} NULL`,
      pid: sql`BIGINT NULL`,
      label: sql`${TEXT} NULL`,
      since: sql`DATETIME(3) NULL`,
    }, ENGINE);
  }

  async #run<T>(ask: () => Promise<T>): Promise<T> {
    for (let attempts = 1;; attempts++) {
      try {
        return await ask();
      } catch (error) {
        const again = error instanceof LockUnavailableError && isBrokenOff(error.cause);
        if (!again || attempts === ATTEMPTS) throw explained(this.shown, error, leaseErrors(this.shown));
      }
    }
  }
}
