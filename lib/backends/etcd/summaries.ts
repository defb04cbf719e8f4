import { type LockSummary, summaryOf } from "../../ledger/summary.ts";
import { slotIn } from "../../lock/slot_name.ts";
import type { KeyValue } from "./answers.ts";
import { idsIn, latestRuns, runsOf } from "./ledger_reading.ts";
import type { LedgerStore } from "./ledger_store.ts";
import { readPointer } from "./pointer.ts";
import type { StoredRun } from "./stored_run.ts";

/**
 * Reads the runs that a summary of each lock needs: those of the time that is asked for, the unfinished ones, and the latest
 * success and failure. There may be too many runs to read all, and etcd cannot aggregate.
 *
 * @throws {LockUnavailableError} When the ledger cannot be read.
 */
export async function summaries(store: LedgerStore, within: number, limit: number): Promise<readonly LockSummary[]> {
  const recent = await latestRuns(store, Infinity, { startedWithin: within });
  const known = new Set(recent.map(({ id }) => id));
  const permanent = [
    ...(await all(store, store.keys.lasts, false)).flatMap(readPointer),
    ...idsIn(await all(store, store.keys.allRunning, true)),
  ];
  const older = await runsOf(store, [...new Set(permanent)].filter((id) => !known.has(id)));
  const byLock = new Map<string, StoredRun[]>();
  for (const run of [...recent, ...older]) {
    const { lock } = slotIn(run.lock);
    const runs = byLock.get(lock);
    if (runs) runs.push(run);
    else byLock.set(lock, [run]);
  }
  return [...byLock].map(([lock, runs]) => {
    const counts = runs.filter(({ id }) => known.has(id)).map(({ outcome }) => [outcome, 1] as const);
    return summaryOf(lock, runs, counts);
  }).toSorted((a, b) => a.newest!.id < b.newest!.id ? 1 : -1).slice(0, limit);
}

/** All keys that begin so. */
async function all(store: LedgerStore, prefix: string, keysOnly: boolean): Promise<readonly KeyValue[]> {
  const found: KeyValue[] = [];
  let after: string | undefined;
  do {
    const page = await store.page(prefix, { after, keysOnly });
    after = page.at(-1)?.key;
    found.push(...page);
  } while (after !== undefined);
  return found;
}
