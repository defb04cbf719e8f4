import type { Rule } from "../../ledger/run.ts";
import { type Began, beganWithin, readSpan, type Span } from "./every.ts";
import { idsIn, runsOf } from "./ledger_reading.ts";
import type { LedgerStore } from "./ledger_store.ts";
import { readPointer } from "./pointer.ts";
import type { Range } from "./requests.ts";
import { cut, type StoredRun } from "./stored_run.ts";

/** How many runs are looked at for `--every`; there is one, and those that failed and that a crash has left. */
const EVERY_AT_ONCE = 30;

/** What is known before a run. */
export interface Before {
  /** The run that counts; or one that began so far ahead of the machine's clock that it does not. */
  readonly counted: { readonly run: StoredRun; readonly began: Exclude<Began, "too early"> } | undefined;
  /** In which term of the leader that was. */
  readonly term: bigint;
  /** For the key of `--once`, the latest run that counts if failures do; undefined if there is none. */
  readonly failed: bigint | undefined;
  /** Leases of runs that do not count by this rule, and so have no use. */
  readonly useless: readonly bigint[];
}

/**
 * Finds the run that counts by the rule.
 *
 * @throws {LockUnavailableError} When the ledger cannot be used.
 */
export async function countedRun(store: LedgerStore, lock: string, rule: Rule): Promise<Before> {
  const { once, every, countFailures } = rule;
  const { keys } = store;
  const name = cut(lock);
  const asked: readonly Range[] = [
    ...once === undefined ? [] : [{ key: keys.once(name, cut(once)) }],
    ...every === undefined ? [] : [
      { key: keys.every(name), prefix: true, limit: EVERY_AT_ONCE },
      { key: keys.last(name, "succeeded") },
      { key: keys.last(name, "failed") },
    ],
  ];
  if (asked.length === 0) return { counted: undefined, term: 0n, failed: undefined, useless: [] };
  const answer = await store.read(...asked);
  const { term } = answer;
  const found = asked.map((_, index) => answer.range(index).keys);
  const keyed = once === undefined ? [] : readPointer(found[0]![0]);
  const [listed = [], ...latest] = once === undefined ? found : found.slice(1);
  const recent = [...new Set([...idsIn(listed), ...latest.flatMap(([last]) => readPointer(last))])].toSorted(
    newestFirst,
  );
  const spans = new Map(listed.flatMap((key): [bigint, Span][] => {
    const span = readSpan(key);
    return span ? [[span.id, span]] : [];
  }));

  const runs = await runsOf(store, [...new Set([...keyed, ...recent])]);
  const ofIds = (ids: readonly bigint[]) =>
    ids.flatMap((id) => runs.find((run) => run.id === id && run.lock === name) ?? []);
  const done = once === undefined ? [] : ofIds(keyed).filter(({ key }) => key === cut(once));
  const failed = done.find((run) => counts(run, true))?.id;
  const before = { term, failed, useless: uselessOf(spans, runs, countFailures) };
  const same = done.find((run) => counts(run, countFailures));
  if (same) return { ...before, counted: { run: same, began: "before" } };

  let ahead: Before["counted"];
  for (const run of ofIds(recent).filter((run) => counts(run, countFailures))) {
    const began = await beganWithin(store, run, spans.get(run.id), every!, term);
    if (began === "before") return { ...before, counted: { run, began } };
    if (began !== "too early" && ahead?.began !== "ahead") ahead = { run, began };
  }
  return { ...before, counted: ahead };
}

function counts({ outcome }: StoredRun, withFailures: boolean): boolean {
  return outcome === "succeeded" || withFailures && (outcome === "failed" || outcome === "abandoned");
}

/** The leases of runs that were deleted, or that count only where failures do. */
function uselessOf(
  spans: ReadonlyMap<bigint, Span>,
  runs: readonly StoredRun[],
  countFailures: boolean,
): readonly bigint[] {
  return [...spans.values()].filter(({ id, lease }) => {
    const run = runs.find((run) => run.id === id);
    return lease > 0n && !(run && (run.outcome === "running" || counts(run, countFailures)));
  }).map(({ lease }) => lease);
}

function newestFirst(a: bigint, b: bigint): number {
  return a < b ? 1 : a > b ? -1 : 0;
}
