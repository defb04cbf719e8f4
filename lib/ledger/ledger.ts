import type { Deadline } from "../deadline.ts";
import { LockUnavailableError, type Trouble } from "../errors.ts";
import { exactFrom } from "../text/foreign.ts";
import { join, sql, type Statement, word } from "../backends/sql/statement.ts";
import { cut, insertRun } from "../backends/sql/insert_run.ts";
import { COLUMNS } from "./schema.ts";
import { readLatest, readRuns, selectRuns } from "../backends/sql/rows.ts";
import type { Outcome, Permission, RecordedRun, Rule, Runner } from "./run.ts";
import { LedgerTable, type Store } from "../backends/sql/ledger_table.ts";
import type { Patience } from "./patience.ts";

/** How many runs are forgotten at a time, so that nobody waits for it. */
const PRUNED_AT_ONCE = 1000;

/** How many runs that never ended are told of; there is one at most, but for rows that somebody else has written. */
const TOLD_AT_ONCE = 100;

/** How far ahead of the server's clock a run may have begun to be worth a word, in milliseconds; `infinity` is not. */
const FARTHEST_AHEAD = 366 * 24 * 3600 * 1000;

/** Where a run began that may count for a span, by the server's clock: in it, later than now, or later by more than it. */
const AHEAD = 1;
const FAR_AHEAD = 2;

/** What others may have marked a run as. */
const OUTCOMES: readonly string[] = ["succeeded", "failed", "abandoned", "unstarted", "skipped"] satisfies Outcome[];

/** The run whose end is to be recorded is not there, or has not taken it. */
export class RunGoneError extends LockUnavailableError {
  /** @param isDeleted Whether it is not there. */
  constructor({ what, cure }: Trouble, readonly isDeleted: boolean) {
    super(what, cure);
  }
}

/**
 * Remembers what ran, in a table beside the lock. Whatever is written about a lock is written in the session that holds
 * it, so that the lock keeps others from writing about it; each statement stands for itself, and a holder that dies
 * between any two leaves what the next one can go on from.
 */
export class Ledger {
  readonly #table: LedgerTable;
  readonly #patience: Patience | undefined;

  /** @param patience By which the store waits for others. */
  constructor(store: Store, patience?: Patience) {
    this.#table = new LedgerTable(store);
    this.#patience = patience;
  }

  /** Whose clock its times are by, for people. */
  get clock(): "server" | "machine" {
    return this.#table.dialect.clock;
  }

  /** From now on others are waited for until then at most; undefined takes that back. */
  hurry(deadline: Deadline | undefined): void {
    this.#patience?.hurry(deadline);
  }

  /** Whether an error says that the database will say so again until somebody changes the table, rights or values. */
  isLasting(error: LockUnavailableError): boolean {
    return error instanceof RunGoneError || this.#table.dialect.isLasting(error.cause);
  }

  /** Whether an error says that there is no table. */
  isWithoutTable({ cause }: LockUnavailableError): boolean {
    return this.#table.dialect.isMissing("table", cause);
  }

  /**
   * Marks runs of this lock as abandoned whose holder died before it recorded their end. Only under the lock.
   *
   * @returns Those runs, or the first hundred.
   * @throws {LockUnavailableError} When the ledger cannot be used.
   */
  async abandon(lock: string): Promise<readonly RecordedRun[]> {
    const which = sql`lock_name = ${cut(lock)} AND outcome = 'running'`;
    const left = await this.#select(sql`WHERE ${which} ORDER BY id LIMIT ${TOLD_AT_ONCE}`);
    if (left.length > 0) {
      await this.#table.ask(sql`UPDATE ${this.#table.dialect.table} SET outcome = 'abandoned' WHERE ${which}`);
    }
    return left;
  }

  /**
   * Marks a run of this very process that was perhaps recorded, without an answer that said so: its command has not been
   * started. Only under the lock.
   *
   * @throws {LockUnavailableError} When the ledger cannot be used.
   */
  async takeBack(lock: string, { host, pid }: Runner): Promise<void> {
    await this.#table.ask(
      sql`UPDATE ${this.#table.dialect.table} SET outcome = 'unstarted'
        WHERE lock_name = ${cut(lock)} AND outcome = 'running' AND host = ${cut(host)} AND pid = ${pid}`,
    );
  }

  /**
   * Records that a run begins, unless another counts by the rule. Only under the lock, after {@linkcode abandon}.
   *
   * @throws {LockUnavailableError} When the ledger cannot be used.
   */
  async begin(lock: string, runner: Runner, rule: Rule): Promise<Permission> {
    const found = await this.#counted(lock, rule);
    if (found && found.ahead !== FAR_AHEAD) {
      return { granted: false, because: found.run, isAhead: found.ahead === AHEAD };
    }
    const { after, now } = this.#table.dialect;
    // What a key needs has to be there for ever, and what a span needs for that long.
    const expires = rule.once === undefined ? after(Math.max(rule.keepHistory, rule.every ?? 0)) : sql`NULL`;
    return {
      granted: true,
      id: await insertRun(this.#table, lock, rule.once, runner, { outcome: sql`'running'`, started: now, expires }),
      ignored: found?.run,
    };
  }

  /**
   * Records the end of a run. Only under the lock.
   *
   * @param exitCode What sera exits with.
   * @param ago How long ago it was, in milliseconds.
   * @throws {RunGoneError} When the run is not there, has ended, or does not take it.
   * @throws {LockUnavailableError} When that is not possible.
   */
  async finish(id: bigint, outcome: Outcome, exitCode: number, rule: Rule, ago = 0): Promise<void> {
    const { after } = this.#table.dialect;
    const counts = outcome === "succeeded" || outcome === "failed" && rule.countFailures;
    const expires = counts || rule.once === undefined ? sql`` : sql`, expires = ${after(rule.keepHistory)}`;
    await this.#table.askAgain(
      sql`UPDATE ${this.#table.dialect.table}
        SET outcome = ${word(outcome)}, finished = ${after(-ago)}, exit_code = ${exitCode}${expires}
        WHERE id = ${id} AND outcome = 'running'`,
    );
    const rows = await this.#table.askAgain(selectRuns(this.#table.dialect, sql`WHERE id = ${id}`));
    const [run] = readRuns(this.#table.dialect, rows);
    if (run?.outcome === outcome) return;
    const what = `run ${id} ${run === undefined ? "has been deleted" : whatOf(run, outcome)}`;
    throw new RunGoneError(this.#table.failure(what), run === undefined);
  }

  /**
   * Records that there was nothing to do. Only under the lock.
   *
   * @throws {LockUnavailableError} When that is not possible.
   */
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

  /**
   * Forgets runs whose time is over, whatever their lock. Needs no lock.
   *
   * @throws {LockUnavailableError} When that is not possible.
   */
  async prune(): Promise<void> {
    const { now, readNumber } = this.#table.dialect;
    const id = readNumber(sql`id`);
    const expired = await this.#table.askAgain(
      sql`SELECT ${id} AS id FROM ${this.#table.dialect.table} WHERE expires < ${now} AND outcome <> 'running'
        ORDER BY expires LIMIT ${PRUNED_AT_ONCE}`,
    );
    if (expired.length === 0) return;
    // The last one stays: before MySQL 8.0 and MariaDB 10.2.4 a restarted server counts on from the highest id that it
    // finds, and ids must grow.
    const [newest] = await this.#table.askAgain(
      sql`SELECT ${readNumber(sql`MAX(id)`)} AS id FROM ${this.#table.dialect.table}`,
    );
    const last = exactFrom(newest?.id);
    const ids = expired.flatMap(({ id }) => exactFrom(id) ?? []).filter((id) => id !== last);
    if (ids.length > 0) {
      await this.#table.askAgain(
        sql`DELETE FROM ${this.#table.dialect.table} WHERE id IN (${join(ids.map((id) => sql`${id}`))})`,
      );
    }
  }

  /**
   * The latest runs, the newest first.
   *
   * @param lock Only those of this lock.
   * @param beginnings Only those of locks whose names begin in one of these ways, of digits, letters, commas and dashes.
   * @returns None when there is no table yet.
   * @throws {LockUnavailableError} When the ledger cannot be read.
   */
  async latest(limit: number, lock?: string, beginnings?: readonly string[]): Promise<readonly RecordedRun[]> {
    if (beginnings?.length === 0) return [];
    const likes = beginnings?.map((beginning) => sql`lock_name LIKE ${`${beginning}%`}`);
    const conditions = [
      ...lock === undefined ? [] : [sql`lock_name = ${cut(lock)}`],
      ...likes ? [sql`(${join(likes, sql` OR `)})`] : [],
    ];
    const condition = conditions.length === 0 ? undefined : join(conditions, sql` AND `);
    const { dialect } = this.#table;
    return await this.#table.reading((ask, missing) => readLatest(dialect, condition, limit, ask, missing)) ?? [];
  }

  /** The run that counts; if there is none, one that began too far ahead of the server's clock to count. */
  async #counted(
    lock: string,
    { once, every, countFailures }: Rule,
  ): Promise<{ readonly run: RecordedRun; readonly ahead: number } | undefined> {
    const { after, isExactly, now, readNumber, readTime } = this.#table.dialect;
    // SQLite compares whatever is there as text.
    const readable = sql`${readTime(COLUMNS.started)} IS NOT NULL`;
    const isOnce = once === undefined ? [] : [isExactly(COLUMNS.run_key, cut(once))];
    // Also what begins later than now: a clock that was set back must not make for another run.
    const isRecent = every === undefined
      ? []
      : [sql`started > ${after(-every)} AND started < ${after(FARTHEST_AHEAD)} AND ${readable}`];
    if (isOnce.length + isRecent.length === 0) return undefined;
    const outcomes = countFailures ? sql`'succeeded', 'failed', 'abandoned'` : sql`'succeeded'`;
    const ahead = sql`CASE ${join(isOnce.map((condition) => sql`WHEN ${condition} THEN 0`))}
      WHEN started >= ${after(every ?? 0)} THEN ${FAR_AHEAD} WHEN started > ${now} THEN ${AHEAD} ELSE 0 END`;
    const rows = await this.#table.ask(selectRuns(
      this.#table.dialect,
      sql`WHERE lock_name = ${cut(lock)} AND outcome IN (${outcomes})
        AND (${join([...isOnce, ...isRecent], sql` OR `)}) ORDER BY ahead, id DESC LIMIT 1`,
      [],
      [sql`${readNumber(ahead)} AS ahead`],
    ));
    const [run] = readRuns(this.#table.dialect, rows);
    return run && { run, ahead: Number(rows[0]!.ahead) };
  }

  async #select(rest: Statement): Promise<readonly RecordedRun[]> {
    const { dialect } = this.#table;
    return readRuns(dialect, await this.#table.ask(selectRuns(dialect, rest)));
  }
}

/** What a run that is there has made of its end. */
function whatOf({ outcome }: RecordedRun, given: Outcome): string {
  if (outcome === "running") {
    return "is still marked as running: the database accepted its end and did not keep it; " +
      "see the table's triggers, rules and policies";
  }
  return OUTCOMES.includes(outcome)
    ? `is marked as ${outcome}`
    : `is marked as ${outcome} instead of ${given}; make the column outcome as sera history --schema has it`;
}
