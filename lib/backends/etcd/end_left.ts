import type { RecordedRun } from "../../ledger/run.ts";
import { type Ending, endRun } from "./end_run.ts";
import { idIn } from "./ledger_keys.ts";
import { runsOf } from "./ledger_reading.ts";
import type { LedgerStore } from "./ledger_store.ts";
import { step } from "./requests.ts";
import { cut, recorded, type StoredRun } from "./stored_run.ts";

/** How many unfinished runs are read at a time, and told of; there is at most one, unless others write there too. */
const TOLD_AT_ONCE = 100;

/**
 * Ends the runs of a lock that have not ended, if they are meant.
 *
 * @returns Those runs, at most a hundred.
 * @throws {LockUnavailableError} When that cannot be recorded.
 */
export async function endLeft(
  store: LedgerStore,
  lock: string,
  isMeant: (run: StoredRun) => boolean,
  ending: Ending,
): Promise<readonly RecordedRun[]> {
  const { keys } = store;
  const prefix = keys.running(cut(lock));
  const told: RecordedRun[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await store.page(prefix, { after, limit: TOLD_AT_ONCE, keysOnly: true });
    after = page.at(-1)?.key;
    if (after === undefined) return told;
    const runs = await runsOf(store, page.flatMap(({ key }) => idIn(key) ?? []));
    for (const run of runs) {
      if (run.lock !== cut(lock) || run.outcome !== "running" || !isMeant(run)) continue;
      const ended = await endRun(store, run, ending);
      if (ended?.outcome === ending.outcome && told.length < TOLD_AT_ONCE) told.push(recorded(run));
    }
    // What leads to no run that has yet to end.
    const idle = page.filter(({ key }) => {
      const run = runs.find(({ id }) => id === idIn(key));
      return run?.outcome !== "running" || run.lock !== cut(lock);
    });
    const steps = idle.flatMap(({ key }) => key === undefined ? [] : [step.deleteRange(key)]);
    if (steps.length > 0) await store.change([], steps, { key: prefix });
  }
}
