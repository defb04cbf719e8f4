import { exactFrom } from "../../text/untrusted.ts";
import type { Outcome } from "./batch.ts";
import type { LedgerTable } from "./ledger_table.ts";
import type { Row } from "./row.ts";
import { join, sql, type Statement } from "./statement.ts";
import type { PendingAnswer } from "./ask_together.ts";

/** How many rows are deleted at a time, so that nobody waits long for that. */
const PRUNED_AT_ONCE = 1000;

/**
 * Deletes expired runs of all locks. They are listed along with the query before a run, and deleted along with the record
 * of its end, so that this costs no time. Where that was not possible, both are done separately.
 */
export class Pruning {
  readonly #table: LedgerTable;
  /** This run's list, if it was asked for. */
  #listed: PendingAnswer | undefined;
  /** The statement that deletes the listed runs. */
  #deletion: Statement | undefined;
  /** The outcome of the deletion, if it was sent with the end of the run; empty if there was nothing to delete. */
  #outcomes: readonly Outcome[] | undefined;

  constructor(table: LedgerTable) {
    this.#table = table;
  }

  /** The statement that lists expired runs. */
  get list(): Statement {
    const { now, readNumber, table } = this.#table.dialect;
    // The newest row stays: before MySQL 8.0 and MariaDB 10.2.4, a restarted server continues from the highest ID in the
    // table, and IDs must grow.
    return sql`SELECT ${readNumber(sql`id`)} AS expired FROM ${table} WHERE expires < ${now} AND outcome <> 'running'
      AND id < (SELECT MAX(id) FROM ${table}) ORDER BY expires LIMIT ${PRUNED_AT_ONCE}`;
  }

  /** Call this with the answer to {@linkcode list}, or with undefined when that has become too old. */
  listedBy(asked: PendingAnswer | undefined): void {
    this.#listed = asked;
    this.#deletion = this.#outcomes = undefined;
  }

  /** The statement to send after the end of the run. */
  get statements(): readonly Statement[] {
    const { known } = this.#listed ?? {};
    this.#deletion = known && this.#deletionOf(known);
    return this.#deletion ? [this.#deletion] : [];
  }

  /** Call this with the outcomes of {@linkcode statements}; none if they were not sent. */
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
    if (outcomes) return await this.#retryFailed(deletion, outcomes);
    const statement = this.#deletionOf(listed ?? await this.#table.askExisting(this.list));
    if (statement) await this.#table.askExisting(statement);
  }

  /** Retries a failed deletion, if that may help. */
  async #retryFailed(deletion: Statement | undefined, [outcome]: readonly Outcome[]): Promise<void> {
    if (!deletion || !outcome || "rows" in outcome) return;
    await this.#table.askExisting(deletion, () => Promise.reject(outcome.error));
  }

  /** Deletes by ID, not by time: a server with gap locks would keep others from adding runs meanwhile. */
  #deletionOf(listed: readonly Row[]): Statement | undefined {
    const ids = listed.flatMap(({ expired }) => exactFrom(expired) ?? []);
    if (ids.length === 0) return undefined;
    const { now, table } = this.#table.dialect;
    // Somebody may meanwhile have decided to keep them.
    return sql`DELETE FROM ${table} WHERE id IN (${join(ids.map((id) => sql`${id}`))})
      AND outcome <> 'running' AND COALESCE(expires, ${now}) < ${now}`;
  }
}
