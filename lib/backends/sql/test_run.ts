import { LockUnavailableError } from "../../errors.ts";
import type { TestRun } from "../../ledger/ledger.ts";
import { SqlLedger } from "./ledger.ts";
import type { Store } from "./store.ts";
import { sql } from "./statement.ts";

/**
 * Records a run from beginning to end, using the code for real runs. The caller must roll it back.
 *
 * @returns Why the run could not be deleted, which is only worth a note for a real run; undefined if it could.
 * @throws {LockUnavailableError} When a run could not be recorded.
 */
export async function recordTestRun(store: Store, { lock, rule, runner }: TestRun): Promise<string | undefined> {
  const ledger = new SqlLedger(store);
  await ledger.abandon(lock);
  const permission = await ledger.begin(lock, runner, rule);
  if (permission.granted) await ledger.finish(permission.id, "succeeded", 0, rule);
  return await deleteRuns(store, lock);
}

/**
 * Deletes the runs of a lock.
 *
 * @returns Why they could not be deleted; undefined if they could, or there is no table.
 */
export async function deleteRuns({ dialect, run }: Store, lock: string): Promise<string | undefined> {
  try {
    await run(sql`DELETE FROM ${dialect.table} WHERE lock_name = ${lock}`);
    return undefined;
  } catch (error) {
    if (!(error instanceof LockUnavailableError)) throw error;
    return dialect.isMissing("table", error.cause) ? undefined : error.reason;
  }
}
