import { span } from "../ledger/history.ts";
import type { Outcome, RecordedRun } from "../ledger/run.ts";
import type { LockSummary } from "../ledger/summary.ts";
import { isNamespacedName } from "../lock/namespaced_name.ts";
import { formatDuration } from "../text/duration.ts";
import type { Gauges, Sample } from "../text/exposition.ts";
import { printable } from "../text/printable.ts";
import type { Sighting } from "./sighting.ts";

/** Outcomes with a series of their own, even at 0. All others share one, since anybody with access may write any word. */
const OUTCOMES: readonly string[] = [
  "running",
  "succeeded",
  "failed",
  "abandoned",
  "unstarted",
  "skipped",
  "forgotten",
] satisfies Outcome[];

/** What is known about one lock. */
export interface LockFacts {
  readonly lock: string;
  /** Whether somebody holds it; undefined if that cannot be seen. */
  readonly isHeld: boolean | undefined;
  /** Those who hold it, by their slots; at most one for a plain lock. */
  readonly holders: readonly Sighting[];
  /** How many wait for it; undefined if that cannot be seen. */
  readonly waiters: number | undefined;
  /** Its runs; undefined if none is recorded. */
  readonly runs: LockSummary | undefined;
}

/**
 * The metrics of locks and their runs. Each lock has a fixed number of series, labelled by the lock's name as `sera status`
 * shows it, and by the label of its newest run, else of its holder.
 *
 * @param isComplete Whether all locks are among them, and all holders and waiters are seen.
 * @param within The time for which runs were counted, in milliseconds.
 */
export function metricsOf(locks: readonly LockFacts[], isComplete: boolean, within: number): readonly Gauges[] {
  const all = locks.map((facts) => ({ ...facts, labels: labelsOf(facts) }));
  const gauges = (
    name: string,
    help: string,
    of: (facts: LockFacts) => number | undefined,
  ): Gauges => ({
    name: `sera_${name}`,
    help,
    samples: all.flatMap((facts): readonly Sample[] => {
      const value = of(facts);
      return value === undefined ? [] : [{ labels: facts.labels, value }];
    }),
  });
  const ofRun = (name: string, help: string, of: (runs: LockSummary) => number | undefined) =>
    gauges(`run_${name}`, help, ({ runs }) => runs && of(runs));
  return [
    {
      name: "sera_locks_complete",
      help: "Whether all locks, holders and waiters are seen; sera status says what is missing.",
      samples: [{ value: Number(isComplete) }],
    },
    gauges("lock_held", "Whether the lock is held.", ({ isHeld }) => isHeld === undefined ? undefined : Number(isHeld)),
    gauges(
      "lock_holders",
      "How many hold the lock.",
      ({ isHeld, holders }) => isHeld === undefined ? undefined : holders.length,
    ),
    gauges("lock_slots", "How many may hold the lock, if it has slots.", ({ holders }) => slotsOf(holders)),
    gauges("lock_waiters", "How many wait for the lock.", ({ waiters }) => waiters),
    gauges(
      "lock_held_since_timestamp_seconds",
      "Since when the lock is held, or its holder is connected; of several holders the first.",
      ({ holders }) => seconds(sinceOf(holders)),
    ),
    ofRun("last_start_timestamp_seconds", "When the last run began.", ({ started }) => seconds(started?.started)),
    ofRun("last_end_timestamp_seconds", "When the last run ended.", ({ ended }) => seconds(ended?.finished)),
    ofRun("last_duration_seconds", "How long the last run took that has ended.", ({ ended }) => durationOf(ended)),
    ofRun("last_exit_code", "The exit code of the last run that has ended.", ({ ended }) => ended?.exitCode),
    ofRun(
      "last_success_timestamp_seconds",
      "When the last run that succeeded ended.",
      ({ succeeded }) => seconds(succeeded?.finished),
    ),
    {
      name: "sera_runs",
      help: `Runs that began within the last ${formatDuration(within)}, by outcome.`,
      samples: all.flatMap(({ runs, labels }) => runs ? samplesOf(runs, labels) : []),
    },
  ];
}

function samplesOf({ counts }: LockSummary, labels: Readonly<Record<string, string>>): readonly Sample[] {
  const known = OUTCOMES.map((outcome) => [outcome, counts.get(outcome) ?? 0] as const);
  const ofOthers = [...counts].filter(([outcome]) => !OUTCOMES.includes(outcome) && outcome !== "forgot");
  const other = ofOthers.reduce((sum, [, count]) => sum + count, 0);
  return [...known, ...other > 0 ? [["other", other] as const] : []].map(([outcome, value]) => ({
    labels: { ...labels, outcome },
    value,
  }));
}

/** What people and other tables call the lock: the same for those who know only the beginning of its name. */
export function lockLabel(lock: string): string {
  return isNamespacedName(lock) ? lock : lock.slice(0, 12);
}

function labelsOf({ lock, runs, holders }: LockFacts): Readonly<Record<string, string>> {
  const label = [runs?.started?.label, runs?.newest?.label, ...holders.map(({ label }) => label)].find((text) => text);
  return { lock: lockLabel(lock), label: printable(label ?? "") };
}

function slotsOf(holders: readonly Sighting[]): number | undefined {
  return holders.find(({ slots }) => slots !== undefined)?.slots;
}

function sinceOf(holders: readonly Sighting[]): number | undefined {
  const times = holders.flatMap(({ since }) => since ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}

function durationOf(run: RecordedRun | undefined): number | undefined {
  return run && seconds(span(run.started, run.finished));
}

function seconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : milliseconds / 1000;
}
