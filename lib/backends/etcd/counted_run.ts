import type { Rule } from "../../ledger/run.ts";
import { MAX_SLOTS } from "../../lock/slot_name.ts";
import type { KeyValue } from "./answers.ts";
import { type Began, beganWithin, readSpan, type Span } from "./every.ts";
import { idsIn, runsOf } from "./ledger_reading.ts";
import type { LedgerStore } from "./ledger_store.ts";
import { readPointer } from "./pointer.ts";
import type { Range } from "./requests.ts";
import { cut, isOf, type StoredRun } from "./stored_run.ts";

/** How many runs to look at for `--every`: there is one, besides those that failed or were left by a crash. */
const EVERY_AT_ONCE = 30;

/** What is known before a run. */
export interface Before {
  /** The run that counts; or one that began so far ahead of the machine's clock that it does not. */
  readonly counted: { readonly run: StoredRun; readonly began: Exclude<Began, "too early"> } | undefined;
  /** The leader's term at that time. */
  readonly term: bigint;
  /** For the key of `--once`, the latest run that counts if failures do; undefined if there is none. */
  readonly failed: bigint | undefined;
  /** Leases of runs that do not count by this rule, and so are of no use. */
  readonly useless: readonly bigint[];
}

/**
 * Finds the run that counts by the rule, in any slot. If failures count, so does a run that has not ended.
 *
 * @throws {LockUnavailableError} When the ledger cannot be used.
 */
export async function countedRun(store: LedgerStore, lock: string, rule: Rule): Promise<Before> {
  const { once, every, countFailures } = rule;
  if (once === undefined && every === undefined) {
    return { counted: undefined, term: 0n, failed: undefined, useless: [] };
  }
  const name = cut(lock);
  const { term, keyed, listed, latest, unended } = await keysAbout(store, name, rule);
  const recent = [...new Set([...idsIn(listed), ...latest, ...unended])].toSorted(newestFirst);
  const spans = new Map(listed.flatMap((key): [bigint, Span][] => {
    const span = readSpan(key);
    return span ? [[span.id, span]] : [];
  }));

  const runs = await runsOf(store, [...new Set([...keyed, ...recent])]);
  const ofIds = (ids: readonly bigint[]) =>
    ids.flatMap((id) => runs.find((run) => run.id === id && isOf(run, name)) ?? []);
  const done = once === undefined ? [] : ofIds([...keyed, ...unended]).filter(({ key }) => key === cut(once));
  const isCounting = (run: StoredRun) => counts(run, countFailures) || countFailures && run.outcome === "running";
  // A run in another slot that has not ended will count, too.
  const failed = done.find((run) => counts(run, true) || run.outcome === "running")?.id;
  const before = { term, failed, useless: uselessOf(spans, runs, countFailures) };
  const same = done.find(isCounting);
  if (same) return { ...before, counted: { run: same, began: "before" } };

  let ahead: Before["counted"];
  for (const run of every === undefined ? [] : ofIds(recent).filter(isCounting)) {
    const began = await beganWithin(store, run, spans.get(run.id), every!, term);
    if (began === "before") return { ...before, counted: { run, began } };
    if (began !== "too early" && ahead?.began !== "ahead") ahead = { run, began };
  }
  return { ...before, counted: ahead };
}

/** Keys that may lead to runs that count. */
interface Leads {
  readonly term: bigint;
  /** The latest runs with the key of `--once`. */
  readonly keyed: readonly bigint[];
  /** The keys of `--every`. */
  readonly listed: readonly KeyValue[];
  /** The latest runs of each slot that have ended. */
  readonly latest: readonly bigint[];
  /** Runs that have not ended, if they count: there are some in other slots only. */
  readonly unended: readonly bigint[];
}

async function keysAbout(store: LedgerStore, name: string, { once, every, countFailures }: Rule): Promise<Leads> {
  const { keys } = store;
  const asked: Readonly<Record<Exclude<keyof Leads, "term">, Range | undefined>> = {
    keyed: once === undefined ? undefined : { key: keys.once(name, cut(once)) },
    listed: every === undefined ? undefined : { key: keys.every(name), prefix: true, limit: EVERY_AT_ONCE },
    latest: every === undefined ? undefined : { ...keys.inSlots("lasts", name), limit: 2 * MAX_SLOTS },
    unended: countFailures ? { ...keys.inSlots("allRunning", name), limit: MAX_SLOTS, keysOnly: true } : undefined,
  };
  const ranges = Object.values(asked).filter((range) => range !== undefined);
  const answer = await store.read(...ranges);
  const found = (of: keyof typeof asked) => asked[of] ? answer.range(ranges.indexOf(asked[of])).keys : [];
  return {
    term: answer.term,
    keyed: found("keyed").flatMap(readPointer),
    listed: found("listed"),
    latest: found("latest").flatMap(readPointer),
    unended: idsIn(found("unended")),
  };
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
