import type { Rule } from "../../ledger/run.ts";
import { MAX_SLOTS } from "../../lock/slot_name.ts";
import { beganWithin, readSpan, type Span } from "./every.ts";
import { idsIn, runsOf } from "./ledger_reading.ts";
import type { LedgerStore } from "./ledger_store.ts";
import { readPointer } from "./pointer.ts";
import { cut, isOf, type StoredRun } from "./stored_run.ts";

/**
 * Reads all runs of a lock that count by the rule, where `countedRun` finds only one, newest first; if failures count,
 * including those that have not ended.
 *
 * @throws {LockUnavailableError} When the ledger cannot be read.
 */
export async function countingRuns(
  store: LedgerStore,
  lock: string,
  { once, every, countFailures }: Rule,
  limit: number,
): Promise<readonly StoredRun[]> {
  const { keys } = store;
  const name = cut(lock);
  const { range, term } = await store.read(
    ...once === undefined ? [] : [{ key: keys.once(name, cut(once)) }],
    ...every === undefined ? [] : [
      { ...keys.inSlots("lasts", name), limit: 2 * MAX_SLOTS },
      { key: keys.every(name), prefix: true, limit },
    ],
  );
  const at = once === undefined ? 0 : 1;
  const keyed = once === undefined ? [] : readPointer(range(0).keys[0]);
  const listed = every === undefined ? [] : range(at + 1).keys;
  const recent = every === undefined ? [] : [...idsIn(listed), ...range(at).keys.flatMap(readPointer)];
  const spans = new Map(listed.flatMap((key): [bigint, Span][] => {
    const span = readSpan(key);
    return span ? [[span.id, span]] : [];
  }));

  const counting: StoredRun[] = [];
  for (const run of await runsOf(store, [...new Set([...keyed, ...recent])])) {
    if (!isOf(run, name) || !mayCount(run, countFailures)) continue;
    const isKeyed = once !== undefined && run.key === cut(once) && keyed.includes(run.id);
    if (isKeyed || recent.includes(run.id) && await isWithin(store, run, spans.get(run.id), every!, term)) {
      counting.push(run);
    }
  }
  return counting.toSorted((a, b) => a.id < b.id ? 1 : -1).slice(0, limit);
}

function mayCount({ outcome }: StoredRun, withFailures: boolean): boolean {
  return outcome === "succeeded" || withFailures && ["failed", "abandoned", "running"].includes(outcome);
}

async function isWithin(
  store: LedgerStore,
  run: StoredRun,
  span: Span | undefined,
  every: number,
  term: bigint,
): Promise<boolean> {
  const began = await beganWithin(store, run, span, every, term);
  return began === "before" || began === "ahead";
}
