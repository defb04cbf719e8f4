import { RunGoneError } from "../../ledger/ledger.ts";
import type { RecordedRun, Runner } from "../../ledger/run.ts";
import { forgotLabel } from "../../ledger/summary.ts";
import { insertRun } from "./insert_run.ts";
import type { LedgerTable } from "./ledger_table.ts";
import { readRuns, selectRuns } from "./rows.ts";
import { sql, word } from "./statement.ts";

/**
 * Makes a run no longer count. That works for older versions of sera too, which ignore outcomes that they do not know. Who
 * did it is recorded in a row of its own: for a column, existing tables would need an ALTER TABLE that the user may not be
 * allowed to do.
 *
 * That row is inserted first, without effect. Then one statement changes both rows, so that every forgotten run has one.
 *
 * @throws {RunGoneError} When the run has changed since it was read, or the table does not keep the change.
 * @throws {LockUnavailableError} When the ledger cannot be used.
 */
export async function forgetRun(
  table: LedgerTable,
  run: RecordedRun,
  by: Runner,
  keepHistory: number,
): Promise<void> {
  const { dialect } = table;
  const { now, after } = dialect;
  const expires = after(keepHistory);
  const id = await insertRun(table, run.lock, run.key, { ...by, label: forgotLabel(run, by) }, {
    outcome: sql`'unstarted'`,
    started: now,
    finished: now,
    expires,
  });
  const isMeant = sql`id = ${run.id} AND outcome = ${word(run.outcome)}`;
  await table.askExisting(
    sql`UPDATE ${dialect.table} SET outcome = CASE WHEN id = ${id} THEN 'forgot' ELSE 'forgotten' END, expires = ${expires}
      WHERE id = ${id} AND outcome = 'unstarted' OR ${isMeant}`,
  );
  const [found] = readRuns(dialect, await table.askExisting(selectRuns(dialect, sql`WHERE id = ${run.id}`)));
  if (found?.outcome === "forgotten") return;
  await table.askExisting(sql`UPDATE ${dialect.table} SET outcome = 'unstarted' WHERE id = ${id}`);
  const what = found ? `run ${run.id} is marked as ${found.outcome}` : `run ${run.id} has been deleted`;
  throw new RunGoneError(table.failure({ what }), found === undefined);
}
