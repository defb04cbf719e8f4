import type { RecordedRun } from "../../ledger/run.ts";
import { MAX_SLOTS, slotIn } from "../../lock/slot_name.ts";
import { type Ending, endRun } from "./end_run.ts";
import { idIn } from "./ledger_keys.ts";
import { runsOf } from "./ledger_reading.ts";
import type { LedgerStore } from "./ledger_store.ts";
import { step } from "./requests.ts";
import { cut, recorded, type StoredRun } from "./stored_run.ts";

/** How many unfinished runs to read at a time, and to report; there is at most one, unless other programs write there. */
const TOLD_AT_ONCE = 100;

/**
 * Ends the runs of a lock that an earlier holder has left unfinished.
 *
 * @param lock The name of the lock, or of the slot that is held.
 * @param slots How many slots the lock has: the runs of all slots beyond are ended too. Undefined for those of the lock or
 * slot alone.
 * @returns Those runs, at most a hundred.
 * @throws {LockUnavailableError} When that cannot be recorded.
 */
export async function endAbandonedRuns(
  store: LedgerStore,
  lock: string,
  isMeant: (run: StoredRun) => boolean,
  ending: Ending,
  slots?: number,
): Promise<readonly RecordedRun[]> {
  const { keys } = store;
  const name = cut(lock);
  const prefix = keys.running(name);
  const { key: from, to: until } = slots === undefined ? { key: prefix } : keys.inSlots("allRunning", name);
  const isTheirs = (of: string) => of === name || slots !== undefined && slotIn(of).slot >= slots;
  const told: RecordedRun[] = [];
  let after: string | undefined;
  for (;;) {
    const listed = await store.page(from, { after, until, limit: MAX_SLOTS + TOLD_AT_ONCE, keysOnly: true });
    after = listed.at(-1)?.key;
    if (after === undefined) return told;
    const page = listed.filter(({ key }) => key !== undefined && isTheirs(keys.nameIn("allRunning", key)));
    if (page.length === 0) continue;
    const runs = await runsOf(store, page.flatMap(({ key }) => idIn(key) ?? []));
    for (const run of runs) {
      if (!isTheirs(run.lock) || run.outcome !== "running" || !isMeant(run)) continue;
      const ended = await endRun(store, run, ending);
      if (ended?.outcome === ending.outcome && told.length < TOLD_AT_ONCE) told.push(recorded(run));
    }
    // Keys that lead to no unfinished run.
    const idle = page.filter(({ key }) => {
      const run = runs.find(({ id }) => id === idIn(key));
      return run?.outcome !== "running" || !isTheirs(run.lock);
    });
    const steps = idle.flatMap(({ key }) => key === undefined ? [] : [step.deleteRange(key)]);
    if (steps.length > 0) await store.change([], steps, { key: prefix });
  }
}
