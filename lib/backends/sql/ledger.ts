import type { Deadline } from "../../deadline.ts";
import type { LockUnavailableError, Trouble } from "../../errors.ts";
import { type Ledger, type RunEnd, RunGoneError } from "../../ledger/ledger.ts";
import type { Patience } from "../../ledger/patience.ts";
import type { Outcome, Permission, RecordedRun, Rule, RunFilter, Runner } from "../../ledger/run.ts";
import type { LockSummary } from "../../ledger/summary.ts";
import { type Counted, findCounted, readCounted } from "./counted_run.ts";
import { insertRun, truncate } from "./insert_run.ts";
import { LedgerTable } from "./ledger_table.ts";
import { findRunning, markAbandoned } from "./abandoned_runs.ts";
import type { Store } from "./store.ts";
import { Pruning } from "./pruning.ts";
import { RunEnds } from "./run_ends.ts";
import { readRuns } from "./rows.ts";
import { sql, word } from "./statement.ts";
import { askTogether, type PendingAnswer } from "./ask_together.ts";

/** The outcomes of runs that have ended. */
const OUTCOMES: readonly string[] = [
  "succeeded",
  "failed",
  "abandoned",
  "unstarted",
  "skipped",
  "forgotten",
] satisfies Outcome[];

/**
 * The ledger in a table of a database. Rows of a lock are written in the session that holds it, each statement in its
 * own transaction.
 */
export class SqlLedger implements Ledger {
  readonly #table: LedgerTable;
  readonly #patience: Patience | undefined;
  readonly #pruning: Pruning;
  readonly #ends: RunEnds;
  /** The answer that {@linkcode begin} needs, if it was already asked for by this rule. */
  #counted: { readonly asked: PendingAnswer; readonly lock: string; readonly rule: Rule } | undefined;

  /** @param patience How long the store waits for others. */
  constructor(store: Store, patience?: Patience) {
    this.#table = new LedgerTable(store);
    this.#patience = patience;
    this.#pruning = new Pruning(this.#table);
    this.#ends = new RunEnds(this.#table, this.#pruning, store.end);
  }

  get clock(): "server" | "machine" {
    return this.#table.dialect.clock;
  }

  limitWait(deadline: Deadline | undefined): void {
    this.#patience?.limitWait(deadline);
  }

  isPermanent(error: LockUnavailableError): boolean {
    return error instanceof RunGoneError || this.#table.dialect.isPermanent(error.cause);
  }

  isLedgerGone({ cause }: LockUnavailableError): boolean {
    return this.#table.dialect.isMissing("table", cause);
  }

  async abandon(lock: string, next?: Rule, slots = 1): Promise<readonly RecordedRun[]> {
    const { dialect } = this.#table;
    const running = findRunning(dialect, lock, slots);
    const counted = next && findCounted(dialect, lock, next, slots);
    const [asked, expired, found] = askTogether(this.#table, [
      running,
      this.#pruning.list,
      ...counted ? [counted] : [],
    ]);
    const left = await markAbandoned(this.#table, lock, slots, await asked!.rows());
    this.#pruning.listedBy(expired);
    // Runs that have just been abandoned may count.
    this.#counted = found && next && left.length === 0 ? { asked: found, lock, rule: next } : undefined;
    return left;
  }

  async takeBack(lock: string, { host, pid }: Runner): Promise<void> {
    await this.#table.ask(
      sql`UPDATE ${this.#table.dialect.table} SET outcome = 'unstarted'
        WHERE lock_name = ${truncate(lock)} AND outcome = 'running' AND host = ${truncate(host)} AND pid = ${pid}`,
    );
  }

  async begin(lock: string, runner: Runner, rule: Rule, slots = 1): Promise<Permission> {
    const found = await this.#findCounted(lock, rule, slots);
    if (found && found.began !== "far ahead") {
      return { granted: false, because: found.run, isAhead: found.began === "ahead" };
    }
    const { after, now } = this.#table.dialect;
    // A run with a key is kept forever, and one that `--every` needs, at least for its interval.
    const expires = rule.once === undefined ? after(Math.max(rule.keepHistory, rule.every ?? 0)) : sql`NULL`;
    return {
      granted: true,
      id: await insertRun(this.#table, lock, rule.once, runner, { outcome: sql`'running'`, started: now, expires }),
      ignored: found?.run,
    };
  }

  async finish(
    id: bigint,
    outcome: Outcome,
    exitCode: number,
    rule: Rule,
    { ago = 0, isLast = false }: RunEnd = {},
  ): Promise<void> {
    const { after } = this.#table.dialect;
    const counts = outcome === "succeeded" || outcome === "failed" && rule.countFailures;
    const expires = counts || rule.once === undefined ? {} : { expires: after(rule.keepHistory) };
    const assignments = { outcome: word(outcome), finished: after(-ago), exit_code: sql`${exitCode}`, ...expires };
    const rows = await this.#ends.record(id, assignments, isLast);
    const [run] = readRuns(this.#table.dialect, rows);
    if (run?.outcome === outcome) return;
    const trouble = run === undefined ? { what: `run ${id} has been deleted` } : troubleWith(run, outcome);
    throw new RunGoneError(this.#table.failure(trouble), run === undefined);
  }

  async skip(lock: string, runner: Runner, rule: Rule): Promise<void> {
    const { after, now } = this.#table.dialect;
    const expires = after(rule.keepHistory);
    await insertRun(this.#table, lock, rule.once, runner, {
      outcome: sql`'skipped'`,
      started: now,
      finished: now,
      expires,
    });
  }

  prune(): Promise<void> {
    return this.#pruning.finish();
  }

  async latest(limit: number, filter: RunFilter = {}): Promise<readonly RecordedRun[]> {
    return await (await import("./latest_runs.ts")).latestRuns(this.#table, limit, filter);
  }

  async countingRuns(lock: string, rule: Rule, limit: number): Promise<readonly RecordedRun[]> {
    return await (await import("./counting_runs.ts")).countingRuns(this.#table, lock, rule, limit);
  }

  async forget(run: RecordedRun, by: Runner, keepHistory: number): Promise<void> {
    await (await import("./forget_run.ts")).forgetRun(this.#table, run, by, keepHistory);
  }

  async summaries(within: number, limit: number): Promise<readonly LockSummary[]> {
    return await (await import("./summaries.ts")).summaries(this.#table, within, limit);
  }

  /** Finds the run that counts, from the answer in advance if there is one. */
  async #findCounted(lock: string, rule: Rule, slots: number): Promise<Counted | undefined> {
    const { dialect } = this.#table;
    const before = this.#counted;
    this.#counted = undefined;
    if (before?.rule === rule && before.lock === lock) return readCounted(dialect, await before.asked.rows());
    const statement = findCounted(dialect, lock, rule, slots);
    return statement && readCounted(dialect, await this.#table.ask(statement));
  }
}

/** Why a run does not have the outcome that was recorded. */
function troubleWith({ id, outcome }: RecordedRun, given: Outcome): Trouble {
  if (outcome === "running") {
    return {
      what: `run ${id} is still marked as running: the database accepted its end, but did not store it`,
      cure: "see the table's triggers, rules and policies",
    };
  }
  const what = `run ${id} is marked as ${outcome}`;
  if (OUTCOMES.includes(outcome)) return { what };
  return { what: `${what} instead of ${given}`, cure: "define the column outcome as in sera history --schema" };
}
