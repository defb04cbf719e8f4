import type { Deadline } from "../../deadline.ts";
import type { LockUnavailableError } from "../../errors.ts";
import { type Ledger, type RunEnd, RunGoneError } from "../../ledger/ledger.ts";
import type { Patience } from "../../ledger/patience.ts";
import type { Outcome, Permission, RecordedRun, Rule, RunFilter, Runner } from "../../ledger/run.ts";
import type { LockSummary } from "../../ledger/summary.ts";
import { addRun, endLeases, spanLease } from "./begin_run.ts";
import { countedRun } from "./counted_run.ts";
import { spanValue } from "./every.ts";
import { pointerTo } from "./pointer.ts";
import { endAbandonedRuns } from "./abandoned_runs.ts";
import { endRun } from "./end_run.ts";
import { latestRuns, runsOf } from "./ledger_reading.ts";
import { LedgerLockLostError, LedgerStore } from "./ledger_store.ts";
import type { Caller, OwnKey } from "./own_key.ts";
import { pruneRuns } from "./prune_runs.ts";
import { step } from "./requests.ts";
import { cut, newRun, recorded, type StoredRun } from "./stored_run.ts";

/** The latest time that a run is kept until: the end of the year 9999. */
const MAX_TIME = Date.UTC(10_000, 0, 1) - 1;

/**
 * The ledger in etcd, in keys below `ledger/`. Each change of a lock's runs is one transaction, which etcd executes only if
 * the holder's key still exists: a sera that has lost the lock changes nothing.
 */
export class EtcdLedger implements Ledger {
  /** etcd has no request for the time. */
  readonly clock = "machine";
  readonly #store: LedgerStore;
  readonly #patience: Patience | undefined;
  /** The runs begun here, with their lease if they have one. */
  readonly #begun = new Map<bigint, { readonly run: StoredRun; readonly lease: bigint | undefined }>();
  #hasAdded = false;
  /** Whether it is certain that no earlier holder has left an unfinished run. */
  #isTidy: boolean;

  /** @param own The key that holds the lock; a client alone to read only, and to forget what has expired. */
  constructor(own: OwnKey | { readonly client: Caller }, patience?: Patience) {
    this.#store = new LedgerStore(own.client, "key" in own ? own : undefined, patience?.noAnswer);
    this.#patience = patience;
    this.#isTidy = "key" in own && own.hasLeftRuns === false;
  }

  limitWait(deadline: Deadline | undefined): void {
    this.#patience?.limitWait(deadline);
  }

  isPermanent(error: LockUnavailableError): boolean {
    return error instanceof RunGoneError || error instanceof LedgerLockLostError || !error.transient;
  }

  isLedgerGone(): boolean {
    return false;
  }

  async abandon(lock: string, _next?: Rule, slots = 1): Promise<readonly RecordedRun[]> {
    if (this.#isTidy) return [];
    const ending = { outcome: "abandoned", expires: "keep", countsNever: false } as const;
    return await endAbandonedRuns(this.#store, lock, () => true, ending, slots);
  }

  async takeBack(lock: string, { host, pid }: Runner): Promise<void> {
    const isOurs = (run: RecordedRun) => run.host === cut(host) && run.pid === pid;
    await endAbandonedRuns(this.#store, lock, isOurs, { outcome: "unstarted", expires: "keep", countsNever: true });
  }

  async begin(lock: string, runner: Runner, rule: Rule): Promise<Permission> {
    const { once, every, keepHistory } = rule;
    const { counted, term, failed, useless } = await countedRun(this.#store, lock, rule);
    if (counted && counted.began !== "far ahead") {
      return { granted: false, because: recorded(counted.run), isAhead: counted.began === "ahead" };
    }
    await endLeases(this.#store, useless);
    const lease = every === undefined ? undefined : await spanLease(this.#store, every);
    const { keys } = this.#store;
    const started = Date.now();
    const value = newRun(lock, once, runner, {
      outcome: "running",
      started,
      // A run with a `--once` key is kept for ever, and one for `--every` at least for its time span.
      ...every === undefined ? {} : { every },
      ...once === undefined ? { expires: after(started, Math.max(keepHistory, every ?? 0)) } : {},
    });
    const steps = (id: bigint) => [
      step.put(keys.running(cut(lock), id), ""),
      ...once === undefined ? [] : [step.put(keys.once(cut(lock), cut(once)), JSON.stringify(pointerTo(id, failed)))],
      ...every === undefined
        ? []
        : [step.put(keys.every(cut(lock), id), JSON.stringify(spanValue(every, term)), lease)],
    ];
    const run = await this.#orEnd(lease, addRun(this.#store, value, steps, !this.#hasAdded));
    this.#hasAdded = true;
    this.#begun.set(run.id, { run, lease });
    return { granted: true, id: run.id, ignored: counted && recorded(counted.run) };
  }

  async finish(
    id: bigint,
    outcome: Outcome,
    exitCode: number,
    rule: Rule,
    { ago = 0, isLast = false }: RunEnd = {},
  ): Promise<void> {
    const begun = this.#begun.get(id);
    const run = begun?.run ?? (await runsOf(this.#store, [id]))[0];
    const counts = outcome === "succeeded" || outcome === "failed" && rule.countFailures;
    const now = Date.now();
    const ended = run && await endRun(this.#store, run, {
      outcome,
      more: { finished: now - ago, exit_code: exitCode },
      expires: counts || rule.once === undefined ? "keep" : after(now, rule.keepHistory),
      countsNever: !counts,
      isLast,
    });
    if (ended?.outcome !== outcome) {
      const what = ended ? `run ${id} is marked as ${ended.outcome}` : `run ${id} has been deleted`;
      throw new RunGoneError(this.#store.failure({ what }), ended === undefined);
    }
    if (!counts && begun?.lease !== undefined) await endLeases(this.#store, [begun.lease]);
  }

  async skip(lock: string, runner: Runner, { once, keepHistory }: Rule): Promise<void> {
    const now = Date.now();
    const expires = after(now, keepHistory);
    const value = newRun(lock, once, runner, { outcome: "skipped", started: now, finished: now, expires });
    await addRun(
      this.#store,
      value,
      (id) => [step.put(this.#store.keys.expires(expires, id), "")],
      !this.#hasAdded,
    );
    this.#hasAdded = true;
  }

  async prune(): Promise<void> {
    await pruneRuns(this.#store);
  }

  async latest(limit: number, filter?: RunFilter): Promise<readonly RecordedRun[]> {
    return (await latestRuns(this.#store, limit, filter)).map(recorded);
  }

  async countingRuns(lock: string, rule: Rule, limit: number): Promise<readonly RecordedRun[]> {
    return (await (await import("./counting_runs.ts")).countingRuns(this.#store, lock, rule, limit)).map(recorded);
  }

  async forget(run: RecordedRun, by: Runner, keepHistory: number): Promise<void> {
    await (await import("./forget_run.ts")).forgetRun(
      this.#store,
      run,
      by,
      after(Date.now(), keepHistory),
      !this.#hasAdded,
    );
    this.#hasAdded = true;
  }

  async summaries(within: number, limit: number): Promise<readonly LockSummary[]> {
    const { summaries } = await import("./summaries.ts");
    return await summaries(this.#store, within, limit);
  }

  /** Revokes a lease that was not used, since no run was added for it. */
  async #orEnd<T>(lease: bigint | undefined, use: Promise<T>): Promise<T> {
    try {
      return await use;
    } catch (error) {
      if (lease !== undefined && error instanceof LedgerLockLostError) await endLeases(this.#store, [lease]);
      throw error;
    }
  }
}

/** A time that many milliseconds later. */
function after(time: number, milliseconds: number): number {
  return Math.min(time + milliseconds, MAX_TIME);
}
