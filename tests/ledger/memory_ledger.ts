/** A ledger that is kept in this process only, by the rules that every ledger goes by, and a lock beside it. */

import { type Ledger, type RunEnd, RunGoneError } from "../../lib/ledger/ledger.ts";
import type { Outcome, Permission, RecordedRun, Rule, RunFilter, Runner } from "../../lib/ledger/run.ts";
import type { Deadline } from "../../lib/deadline.ts";
import { LockLostError, LockUnavailableError } from "../../lib/errors.ts";
import type { HeldLock } from "../../lib/lock/lock.ts";
import { slotIn } from "../../lib/lock/slot_name.ts";

/** When the ledger's clock began to run, in milliseconds since 1970. */
export const EPOCH = Date.UTC(2030, 0, 1);

/** A transient error of the ledger, and a permanent one. */
export class PassingTrouble extends LockUnavailableError {
  constructor() {
    super("Cannot use the ledger: the disk is full", "make room", { transient: true });
  }
}
export class LastingTrouble extends LockUnavailableError {
  constructor() {
    super("Cannot use the ledger: INSERT denied", "grant it");
  }
}

type Step = "abandon" | "takeBack" | "begin" | "finish" | "skip" | "prune" | "latest";

export class MemoryLedger implements Ledger {
  readonly clock = "server";
  /** The oldest first. */
  runs: RecordedRun[] = [];
  /** The requests, in order. */
  readonly steps: Step[] = [];
  /** Until when others are waited for. */
  deadline: Deadline | undefined;
  /** Called before each step; it may throw or delay. */
  fault: (step: Step) => void | Promise<void> = () => undefined;
  /** Called after a run has been written; what it throws replaces the answer. */
  unanswered: () => void = () => undefined;
  #last = 0n;

  /** Milliseconds since 1970 by the ledger's clock. */
  get now(): number {
    return EPOCH + Math.round(performance.now());
  }

  limitWait(deadline: Deadline | undefined): void {
    this.deadline = deadline;
  }

  isPermanent(error: LockUnavailableError): boolean {
    return error instanceof RunGoneError || error instanceof LastingTrouble;
  }

  isLedgerGone(): boolean {
    return false;
  }

  async abandon(lock: string, _next?: Rule, slots = 1): Promise<readonly RecordedRun[]> {
    await this.#step("abandon");
    const left = this.runs.filter((run) =>
      run.outcome === "running" && (run.lock === lock || isOf(lock, run) && slotIn(run.lock).slot >= slots)
    );
    for (const { id } of left) this.change(id, { outcome: "abandoned" });
    return left;
  }

  async takeBack(lock: string, { host, pid }: Runner): Promise<void> {
    await this.#step("takeBack");
    for (const run of this.runs) {
      const isOurs = run.lock === lock && run.host === host && run.pid === pid;
      if (isOurs && run.outcome === "running") this.change(run.id, { outcome: "unstarted" });
    }
  }

  async begin(lock: string, runner: Runner, rule: Rule): Promise<Permission> {
    await this.#step("begin");
    const { once, every = 0, countFailures } = rule;
    const outcomes = countFailures ? ["succeeded", "failed", "abandoned", "running"] : ["succeeded"];
    const counting = this.runs.filter((run) => isOf(lock, run) && outcomes.includes(run.outcome)).toReversed();
    const keyed = counting.find(({ key }) => once !== undefined && key === once);
    if (keyed) return { granted: false, because: keyed, isAhead: false };
    const recent = every === 0 ? [] : counting.filter(({ started }) => started! > this.now - every);
    const because = recent.find(({ started }) => started! < this.now + every);
    if (because) return { granted: false, because, isAhead: because.started! > this.now };
    const id = this.#add(lock, runner, once, "running");
    this.unanswered();
    return { granted: true, id, ignored: recent[0] };
  }

  async finish(id: bigint, outcome: Outcome, exitCode: number, _rule: Rule, { ago = 0 }: RunEnd = {}): Promise<void> {
    await this.#step("finish");
    const run = this.runs.find((run) => run.id === id);
    if (run?.outcome !== "running") {
      throw new RunGoneError({ what: `Cannot use the ledger: run ${id} is ${run?.outcome ?? "gone"}` }, !run);
    }
    this.change(id, { outcome, exitCode, finished: this.now - ago });
  }

  async skip(lock: string, runner: Runner, { once }: Rule): Promise<void> {
    await this.#step("skip");
    this.#add(lock, runner, once, "skipped");
  }

  async prune(): Promise<void> {
    await this.#step("prune");
  }

  async latest(limit: number, { lock }: RunFilter = {}): Promise<readonly RecordedRun[]> {
    await this.#step("latest");
    return this.runs.filter((run) => lock === undefined || isOf(lock, run)).toReversed().slice(0, limit);
  }

  countingRuns(): Promise<never> {
    return Promise.reject(new Error("no test asks a ledger in memory for it"));
  }

  forget(): Promise<never> {
    return this.countingRuns();
  }

  summaries(): Promise<never> {
    return this.countingRuns();
  }

  /** Changes a run as another program might. */
  change(id: bigint, parts: Partial<RecordedRun>): void {
    this.runs = this.runs.map((run) => run.id === id ? { ...run, ...parts } : run);
  }

  async #step(step: Step): Promise<void> {
    this.steps.push(step);
    await this.fault(step);
  }

  #add(lock: string, runner: Runner, key: string | undefined, outcome: Outcome): bigint {
    const id = ++this.#last;
    this.runs.push({ id, lock, key, ...runner, started: this.now, outcome });
    return id;
  }
}

/** Whether a run is of the same lock as this name, in whichever slot. */
function isOf(name: string, { lock }: RecordedRun): boolean {
  return slotIn(lock).lock === slotIn(name).lock;
}

/** A lock that is held until a test loses it. */
export function heldLock(parts: Partial<HeldLock> = {}): { lock: HeldLock; lose: () => void } {
  const lost = new AbortController();
  const lock: HeldLock = {
    lost: lost.signal,
    asked: new AbortController().signal,
    session: undefined,
    left: Infinity,
    onRenewed: undefined,
    commandEnded: () => undefined,
    heldToEnd: false,
    confirm: () => lost.signal.aborted ? Promise.reject(lost.signal.reason) : Promise.resolve(),
    release: () => Promise.resolve(),
    ...parts,
  };
  return { lock, lose: () => lost.abort(new LockLostError("Lock lost: the server has freed it")) };
}
