import { exactFrom } from "../../text/untrusted.ts";
import type { Outcome } from "./batch.ts";
import type { LedgerTable } from "./ledger_table.ts";
import type { Row } from "./row.ts";
import { join, sql, type Statement } from "./statement.ts";
import type { Asked } from "./together.ts";

/** How many rows are deleted at a time, so that nobody waits long for it. */
const PRUNED_AT_ONCE = 1000;

/**
 * Deletes expired runs, of all locks. They are listed along with the query before a run, and deleted along with the
 * record of its end, so that nobody waits for it. Where that was not possible, both are done separately.
 */
export class Pruning {
  readonly #table: LedgerTable;
  /** The list, as long as it is of this run. */
  #listed: Asked | undefined;
  /** What deletes the runs that are known to be over. */
  #deletion: Statement | undefined;
  /** What came of it, if it went with the end of the run; empty if there was nothing to delete. */
  #outcomes: readonly Outcome[] | undefined;

  constructor(table: LedgerTable) {
    this.#table = table;
  }

  /** The statement that lists runs whose time is over. */
  get list(): Statement {
    const { now, readNumber, table } = this.#table.dialect;
    // The newest stays: before MySQL 8.0 and MariaDB 10.2.4 a restarted server continues from the highest id that it
    // finds, and ids must grow.
    return sql`SELECT ${readNumber(sql`id`)} AS expired FROM ${table} WHERE expires < ${now} AND outcome <> 'running'
      AND id < (SELECT MAX(id) FROM ${table}) ORDER BY expires LIMIT ${PRUNED_AT_ONCE}`;
  }

  /** To be called with {@linkcode list} when that was sent; with undefined when what it lists will be too old. */
  listedBy(asked: Asked | undefined): void {
    this.#listed = asked;
    this.#deletion = this.#outcomes = undefined;
  }

  /** The statement to send after the end of the run. */
  get statements(): readonly Statement[] {
    const { known } = this.#listed ?? {};
    this.#deletion = known && this.#deletionOf(known);
    return this.#deletion ? [this.#deletion] : [];
  }

  /** To be called with the outcomes of {@linkcode statements}; none if they were not sent. */
  sent(outcomes: readonly Outcome[]): void {
    const isDone = this.#listed?.known && outcomes.length === (this.#deletion ? 1 : 0);
    this.#outcomes = isDone ? outcomes : undefined;
  }

  /**
   * Deletes what was not deleted with the end of the run.
   *
   * @throws {LockUnavailableError} When that fails, or has failed.
   */
  async finish(): Promise<void> {
    const [listed, deletion, outcomes] = [this.#listed?.known, this.#deletion, this.#outcomes];
    this.listedBy(undefined);
    if (outcomes) return await this.#hear(deletion, outcomes);
    const statement = this.#deletionOf(listed ?? await this.#table.askExisting(this.list));
    if (statement) await this.#table.askExisting(statement);
  }

  /** Repeats what failed, if that may help. */
  async #hear(deletion: Statement | undefined, [outcome]: readonly Outcome[]): Promise<void> {
    if (!deletion || !outcome || "rows" in outcome) return;
    await this.#table.askExisting(deletion, () => Promise.reject(outcome.error));
  }

  /** Not by their time: that would keep others from adding runs, where a server locks what lies between two rows. */
  #deletionOf(listed: readonly Row[]): Statement | undefined {
    const ids = listed.flatMap(({ expired }) => exactFrom(expired) ?? []);
    if (ids.length === 0) return undefined;
    const { now, table } = this.#table.dialect;
    // Somebody may have decided meanwhile to keep them.
    return sql`DELETE FROM ${table} WHERE id IN (${join(ids.map((id) => sql`${id}`))})
      AND outcome <> 'running' AND COALESCE(expires, ${now}) < ${now}`;
  }
}
