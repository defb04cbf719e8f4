/** One who holds a lock and writes to the ledger beside it, wherever that is. */

import assert from "node:assert/strict";
import type { Ledger } from "../../lib/ledger/ledger.ts";
import type { Permission, RecordedRun, Rule, Runner } from "../../lib/ledger/run.ts";
import type { HeldLock } from "../../lib/lock/lock.ts";

/** Who runs, where the test does not care. */
export const RUNNER: Runner = { label: "rotate-logs", host: "web1", pid: 4711, user: "ops" };

/** A day in milliseconds. */
export const DAY = 24 * 3600 * 1000;

/** The rule that lets everything happen. */
export const PLAIN: Rule = { countFailures: false, keepHistory: 90 * DAY };

/** One who holds a lock. Disposing of it gives the lock up. */
export abstract class RunHolder implements AsyncDisposable {
  abstract readonly lock: string;
  abstract readonly held: HeldLock;
  abstract readonly ledger: Ledger;

  /** Asks for a run, as sera does. */
  async begin(rule: Partial<Rule> = {}, runner = RUNNER): Promise<Permission> {
    await this.ledger.abandon(this.lock);
    return await this.ledger.begin(this.lock, runner, { ...PLAIN, ...rule });
  }

  /** Begins a run that nothing keeps from happening. */
  async started(rule: Partial<Rule> = {}, runner = RUNNER): Promise<bigint> {
    const permission = await this.begin(rule, runner);
    if (!permission.granted) assert.fail(`kept from running by run ${permission.because.id}`);
    return permission.id;
  }

  /** Asks for a run that another keeps from happening, and gives that one. */
  async refused(rule: Partial<Rule>): Promise<RecordedRun> {
    const permission = await this.begin(rule);
    if (permission.granted) assert.fail(`run ${permission.id} was granted`);
    return permission.because;
  }

  /** Runs to this end. */
  async ran(outcome: "succeeded" | "failed" | "unstarted", rule: Partial<Rule> = {}, runner = RUNNER): Promise<bigint> {
    const id = await this.started(rule, runner);
    await this.finish(id, outcome, rule);
    return id;
  }

  async finish(id: bigint, outcome: "succeeded" | "failed" | "unstarted", rule: Partial<Rule> = {}): Promise<void> {
    await this.ledger.finish(id, outcome, outcome === "succeeded" ? 0 : 1, { ...PLAIN, ...rule });
  }

  /** The ids that the ledger still has, of all locks, the oldest first. */
  async ids(): Promise<bigint[]> {
    return (await this.ledger.latest(10_000)).map(({ id }) => id).reverse();
  }

  /** A run as the ledger has it. */
  async recorded(id: bigint): Promise<RecordedRun> {
    const run = (await this.ledger.latest(10_000)).find((run) => run.id === id);
    assert.ok(run, `run ${id} is not there`);
    return run;
  }

  abstract [Symbol.asyncDispose](): Promise<void>;
}
