import { MAX_TEXT_LENGTH } from "../text/untrusted.ts";
import type { Outcome, RecordedRun, Runner } from "./run.ts";

/** Runs whose command was started. */
export const STARTED = ["running", "succeeded", "failed", "abandoned", "forgotten"] as const satisfies Outcome[];

/** Runs whose end was recorded. */
export const ENDED = ["succeeded", "failed", "forgotten"] as const satisfies Outcome[];

/** Runs that did not succeed and are not going to. */
export const FAILED = ["failed", "abandoned", "unstarted"] as const satisfies Outcome[];

/** What happened to a lock's runs, in all of its slots. */
export interface LockSummary {
  readonly lock: string;
  /** The newest row, of whatever kind. */
  readonly newest: RecordedRun | undefined;
  /** The newest run whose command was started. */
  readonly started: RecordedRun | undefined;
  /** The newest run whose end was recorded. */
  readonly ended: RecordedRun | undefined;
  /** The newest run that succeeded. */
  readonly succeeded: RecordedRun | undefined;
  /** The newest run of each slot that has not ended as far as the ledger knows; that of the lock itself if it has no slots. */
  readonly running: readonly RecordedRun[];
  /** How many runs of the time that was asked for came to each outcome. */
  readonly counts: ReadonlyMap<string, number>;
}

/** The label under which it is recorded that somebody has forgotten a run. */
export function forgotLabel({ id }: Pick<RecordedRun, "id">, { user }: Runner): string {
  return `run ${id}, by ${user || "somebody"}`.slice(0, MAX_TEXT_LENGTH);
}

/**
 * Puts a summary together.
 *
 * @param runs Among them the newest of each slot and outcome.
 * @param counts How many came to each outcome; one may be named more than once.
 */
export function summaryOf(
  lock: string,
  runs: readonly RecordedRun[],
  counts: readonly (readonly [outcome: string, count: number])[],
): LockSummary {
  const newestOf = (outcomes?: readonly string[]) =>
    runs.filter(({ outcome }) => outcomes?.includes(outcome) ?? true).toSorted((a, b) => a.id < b.id ? 1 : -1)[0];
  const sums = new Map<string, number>();
  for (const [outcome, count] of counts) sums.set(outcome, (sums.get(outcome) ?? 0) + count);
  return {
    lock,
    newest: newestOf(),
    started: newestOf(STARTED),
    ended: newestOf(ENDED),
    succeeded: newestOf(["succeeded"]),
    running: newestOfSlots(runs.filter(({ outcome }) => outcome === "running")),
    counts: sums,
  };
}

function newestOfSlots(runs: readonly RecordedRun[]): readonly RecordedRun[] {
  const oldestFirst = runs.toSorted((a, b) => a.id < b.id ? -1 : 1);
  return [...new Map(oldestFirst.map((run) => [run.lock, run])).values()];
}
