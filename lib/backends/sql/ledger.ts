import type { Deadline } from "../../deadline.ts";
import { LockUnavailableError, type Trouble } from "../../errors.ts";
import { type Ledger, type RunEnd, RunGoneError } from "../../ledger/ledger.ts";
import type { Patience } from "../../ledger/patience.ts";
import type { Outcome, Permission, RecordedRun, Rule, RunFilter, Runner } from "../../ledger/run.ts";
import type { LockSummary } from "../../ledger/summary.ts";
import { exactFrom } from "../../text/foreign.ts";
import { countedRun } from "./counted_run.ts";
import { cut, insertRun } from "./insert_run.ts";
import { LedgerTable, type Store } from "./ledger_table.ts";
import { assignmentsOf, conditionOf } from "./ending.ts";
import type { Ending } from "./ending.ts";
import { readRuns, selectRuns } from "./rows.ts";
import { join, sql, type Statement, word } from "./statement.ts";

/** How many rows are deleted at a time, so that nobody waits long for it. */
const PRUNED_AT_ONCE = 1000;

/** How many unfinished runs are returned; there is at most one, unless somebody else has written rows. */
const TOLD_AT_ONCE = 100;

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
  readonly #end: Store["end"];

  /** @param patience How long the store waits for others. */
  constructor(store: Store, patience?: Patience) {
    this.#table = new LedgerTable(store);
    this.#patience = patience;
    this.#end = store.end;
  }

  get clock(): "server" | "machine" {
    return this.#table.dialect.clock;
  }

  hurry(deadline: Deadline | undefined): void {
    this.#patience?.hurry(deadline);
  }

  isLasting(error: LockUnavailableError): boolean {
    return error instanceof RunGoneError || this.#table.dialect.isLasting(error.cause);
  }

  isLedgerGone({ cause }: LockUnavailableError): boolean {
    return this.#table.dialect.isMissing("table", cause);
  }

  async abandon(lock: string): Promise<readonly RecordedRun[]> {
    const which = sql`lock_name = ${cut(lock)} AND outcome = 'running'`;
    const left = await this.#select(sql`WHERE ${which} ORDER BY id LIMIT ${TOLD_AT_ONCE}`);
    if (left.length > 0) {
      await this.#table.ask(sql`UPDATE ${this.#table.dialect.table} SET outcome = 'abandoned' WHERE ${which}`);
    }
    return left;
  }

  async takeBack(lock: string, { host, pid }: Runner): Promise<void> {
    await this.#table.ask(
      sql`UPDATE ${this.#table.dialect.table} SET outcome = 'unstarted'
        WHERE lock_name = ${cut(lock)} AND outcome = 'running' AND host = ${cut(host)} AND pid = ${pid}`,
    );
  }

  async begin(lock: string, runner: Runner, rule: Rule): Promise<Permission> {
    const found = await countedRun(this.#table, lock, rule);
    if (found && found.began !== "far ahead") {
      return { granted: false, because: found.run, isAhead: found.began === "ahead" };
    }
    const { after, now } = this.#table.dialect;
    // A run with a key is kept for ever, and one that `--every` needs at least for that span.
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
    const { after, table } = this.#table.dialect;
    const counts = outcome === "succeeded" || outcome === "failed" && rule.countFailures;
    const expires = counts || rule.once === undefined ? {} : { expires: after(rule.keepHistory) };
    const ending: Ending = {
      table,
      assignments: { outcome: word(outcome), finished: after(-ago), exit_code: sql`${exitCode}`, ...expires },
      condition: { id: sql`${id}`, outcome: sql`'running'` },
    };
    if (!isLast || !await this.#endTogether(ending)) {
      await this.#table.askExisting(sql`UPDATE ${table} SET ${assignmentsOf(ending)} WHERE ${conditionOf(ending)}`);
    }
    const rows = await this.#table.askExisting(selectRuns(this.#table.dialect, sql`WHERE id = ${id}`));
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

  async prune(): Promise<void> {
    const { now, readNumber } = this.#table.dialect;
    const id = readNumber(sql`id`);
    const expired = await this.#table.askExisting(
      sql`SELECT ${id} AS id FROM ${this.#table.dialect.table} WHERE expires < ${now} AND outcome <> 'running'
        ORDER BY expires LIMIT ${PRUNED_AT_ONCE}`,
    );
    if (expired.length === 0) return;
    // The newest stays: before MySQL 8.0 and MariaDB 10.2.4 a restarted server continues from the highest id that it
    // finds, and ids must grow.
    const [newest] = await this.#table.askExisting(
      sql`SELECT ${readNumber(sql`MAX(id)`)} AS id FROM ${this.#table.dialect.table}`,
    );
    const last = exactFrom(newest?.id);
    const ids = expired.flatMap(({ id }) => exactFrom(id) ?? []).filter((id) => id !== last);
    if (ids.length > 0) {
      await this.#table.askExisting(
        sql`DELETE FROM ${this.#table.dialect.table} WHERE id IN (${join(ids.map((id) => sql`${id}`))})`,
      );
    }
  }

  async latest(limit: number, filter: RunFilter = {}): Promise<readonly RecordedRun[]> {
    return await (await import("./latest_runs.ts")).latestRuns(this.#table, limit, filter);
  }

  async counting(lock: string, rule: Rule, limit: number): Promise<readonly RecordedRun[]> {
    return await (await import("./counting_runs.ts")).countingRuns(this.#table, lock, rule, limit);
  }

  async forget(run: RecordedRun, by: Runner, keepHistory: number): Promise<void> {
    await (await import("./forget_run.ts")).forgetRun(this.#table, run, by, keepHistory);
  }

  async summaries(within: number, limit: number): Promise<readonly LockSummary[]> {
    return await (await import("./summaries.ts")).summaries(this.#table, within, limit);
  }

  /** Whether the end was recorded together with the lock's release. An attempt that got no answer may have been. */
  async #endTogether(ending: Ending): Promise<boolean> {
    try {
      return await this.#end?.(ending) ?? false;
    } catch (error) {
      if (error instanceof LockUnavailableError) return false;
      throw error;
    }
  }

  async #select(rest: Statement): Promise<readonly RecordedRun[]> {
    const { dialect } = this.#table;
    return readRuns(dialect, await this.#table.ask(selectRuns(dialect, rest)));
  }
}

/** Why a run does not have the outcome that was recorded. */
function troubleWith({ id, outcome }: RecordedRun, given: Outcome): Trouble {
  if (outcome === "running") {
    return {
      what: `run ${id} is still marked as running: the database accepted its end and did not keep it`,
      cure: "see the table's triggers, rules and policies",
    };
  }
  const what = `run ${id} is marked as ${outcome}`;
  if (OUTCOMES.includes(outcome)) return { what };
  return { what: `${what} instead of ${given}`, cure: "make the column outcome as sera history --schema has it" };
}
