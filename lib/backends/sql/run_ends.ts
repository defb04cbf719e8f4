import { InterruptedError, LockUnavailableError } from "../../errors.ts";
import { type Ended, type Ending, recordEnd } from "./ending.ts";
import type { LedgerTable } from "./ledger_table.ts";
import type { Pruning } from "./pruning.ts";
import type { Row } from "./row.ts";
import { selectRuns } from "./rows.ts";
import { sql, type Statement } from "./statement.ts";
import type { Store } from "./store.ts";
import { askTogether } from "./ask_together.ts";

/** Records how runs end, and releases the lock in the same message if it is no longer needed. */
export class RunEnds {
  readonly #table: LedgerTable;
  readonly #pruning: Pruning;
  readonly #end: Store["end"];

  /** @param end Absent where the lock cannot be released along with the end of a run. */
  constructor(table: LedgerTable, pruning: Pruning, end: Store["end"]) {
    this.#table = table;
    this.#pruning = pruning;
    this.#end = end;
  }

  /**
   * Records the end of a run.
   *
   * @param isLast Whether the lock is no longer needed then.
   * @returns The run as read back; no row if it is gone.
   * @throws {LockUnavailableError} When the ledger cannot be used.
   */
  async record(id: bigint, assignments: Ending["assignments"], isLast: boolean): Promise<readonly Row[]> {
    const { dialect } = this.#table;
    const { table } = dialect;
    const ending = { table, assignments, condition: { id: sql`${id}`, outcome: sql`'running'` } };
    const record = recordEnd(ending);
    const readBack = selectRuns(dialect, sql`WHERE id = ${id}`);
    const ended = isLast ? await this.#askTogether(ending, record, readBack) : undefined;
    if (!ended?.isReleased) return await this.#alone(record, readBack, ended);
    this.#pruning.sent(ended.afterwards);
    return ended.readBack ?? await this.#table.askExisting(readBack);
  }

  /**
   * Records the end together with the lock's release, where that can be done.
   *
   * @returns Undefined if the result is not known.
   */
  async #askTogether(ending: Ending, record: Statement, readBack: Statement): Promise<Ended | undefined> {
    const { withShortWait = (statement) => statement } = this.#table.dialect;
    const { table, condition: { id }, assignments: { outcome } } = ending;
    try {
      return await this.#end?.({
        ...ending,
        record,
        isRecorded: sql`EXISTS (SELECT 1 FROM ${table} WHERE id = ${id!} AND outcome = ${outcome!})`,
        readBack: withShortWait(readBack),
        afterwards: this.#pruning.statements.map(withShortWait),
      });
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
      // After a signal the session has been closed, and another attempt could only report that.
      if (error.cause instanceof InterruptedError) throw this.#table.failure({ what: error.reason }, error);
      return undefined;
    }
  }

  /** Records the end without the release, and reads it back. An earlier attempt may already have recorded it. */
  async #alone(record: Statement, readBack: Statement, tried: Ended | undefined): Promise<readonly Row[]> {
    // The list is too old by the time the lock is released.
    this.#pruning.listedBy(undefined);
    const { record: outcome } = tried ?? {};
    if (!outcome) {
      const [recorded, run] = askTogether(this.#table, [record, readBack], false);
      await recorded!.rows();
      return await run!.rows();
    }
    if ("error" in outcome) await this.#table.askExisting(record, () => Promise.reject(outcome.error));
    return await this.#table.askExisting(readBack);
  }
}
