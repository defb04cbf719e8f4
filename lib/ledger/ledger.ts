import { LockUnavailableError } from "../errors.ts";
import type { Row } from "../lock/session.ts";
import type { Dialect, LedgerColumn } from "./dialect.ts";
import { COLUMNS, createTable, VERSION } from "./schema.ts";

/** What became of a run. */
export type Outcome =
  /** It has begun; its end is not known yet. */
  | "running"
  /** The command ended with 0. */
  | "succeeded"
  /** It ended with another status, or sera stopped it. */
  | "failed"
  /** Its holder died, or lost the lock, before it could record the end. */
  | "abandoned"
  /** The command was never started. */
  | "unstarted"
  /** There was nothing to do. */
  | "skipped";

/** Whose run it is. */
export interface Runner {
  readonly label: string;
  readonly host: string;
  readonly pid: number;
  readonly user: string;
}

/** Which runs keep another from happening, and how long they are remembered. */
export interface Rule {
  /** Runs with this key count, whenever they were. */
  readonly once?: string | undefined;
  /** Runs that began within this time count, in milliseconds. */
  readonly every?: number | undefined;
  /** Whether failed and abandoned runs count as well. */
  readonly countFailures: boolean;
  /** How long runs are remembered that nobody needs any more, in milliseconds. */
  readonly keepHistory: number;
}

/** A run as the ledger has it. Times are in milliseconds since 1970, by the server's clock. */
export interface RecordedRun extends Runner {
  /** Grows with every run of the same lock, also when runs were forgotten or the server was restarted between. */
  readonly id: number;
  readonly lock: string;
  readonly key?: string | undefined;
  readonly started: number;
  readonly finished?: number | undefined;
  readonly exitCode?: number | undefined;
  /** An {@linkcode Outcome}, or what a later version of sera has for one. */
  readonly outcome: string;
  /** The server's number of the session that holds, or held, the lock. */
  readonly session: number;
}

/** What came of asking for a run. */
export type Permission =
  | { readonly granted: true; readonly id: number }
  /** Another run counts. */
  | { readonly granted: false; readonly because: RecordedRun };

/** Where a ledger's table is. */
export interface Store {
  readonly dialect: Dialect;
  /**
   * Runs one statement, and makes what it changes last.
   *
   * @throws {LockUnavailableError} When it fails; its cause is what the database said.
   */
  run(sql: string): Promise<readonly Row[]>;
}

/** How often a statement is tried that an administrator, a limit or another session has broken off. */
const TRIES = 3;

/** How many runs are forgotten at a time, so that nobody waits for it. */
const PRUNED_AT_ONCE = 1000;

/**
 * Remembers what ran, in a table beside the lock. Whatever is written about a lock is written in the session that holds
 * it, so that the lock keeps others from writing about it; each statement stands for itself, and a holder that dies
 * between any two leaves what the next one can go on from.
 */
export class Ledger {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Marks runs of this lock as abandoned whose holder died before it recorded their end. Only under the lock.
   *
   * @returns Those runs.
   * @throws {LockUnavailableError} When the ledger cannot be used.
   */
  async abandon(lock: string): Promise<readonly RecordedRun[]> {
    const which = `lock_name = ${this.#text(lock)} AND outcome = 'running'`;
    const left = await this.#select(`WHERE ${which} ORDER BY id`);
    if (left.length > 0) await this.#ask(`UPDATE ${this.#table} SET outcome = 'abandoned' WHERE ${which}`);
    return left;
  }

  /**
   * Records that a run begins, unless another counts by the rule. Only under the lock, after {@linkcode abandon}.
   *
   * @throws {LockUnavailableError} When the ledger cannot be used.
   */
  async begin(lock: string, runner: Runner, rule: Rule): Promise<Permission> {
    const because = await this.#counted(lock, rule);
    if (because) return { granted: false, because };
    const { after, now } = this.#store.dialect;
    // What a key needs has to be there for ever, and what a span needs for that long.
    const expires = rule.once === undefined ? after(Math.max(rule.keepHistory, rule.every ?? 0)) : "NULL";
    return {
      granted: true,
      id: await this.#insert(lock, rule.once, runner, { outcome: "running", started: now, expires }),
    };
  }

  /**
   * Records the end of a run. Only under the lock.
   *
   * @param exitCode What sera exits with.
   * @throws {LockUnavailableError} When that is not possible.
   */
  async finish(id: number, outcome: Outcome, exitCode: number, rule: Rule): Promise<void> {
    const { after, now } = this.#store.dialect;
    const counts = outcome === "succeeded" || outcome === "failed" && rule.countFailures;
    const expires = counts || rule.once === undefined ? "" : `, expires = ${after(rule.keepHistory)}`;
    await this.#ask(
      `UPDATE ${this.#table} SET outcome = '${outcome}', finished = ${now}, exit_code = ${exitCode}${expires} ` +
        `WHERE id = ${id} AND outcome = 'running'`,
    );
    const [row] = await this.#ask(`SELECT outcome FROM ${this.#table} WHERE id = ${id}`);
    if (row?.outcome !== outcome) {
      const found = row === undefined ? "has been deleted" : `is marked as ${row.outcome}`;
      throw this.#failure(`the run ${id} ${found}`);
    }
  }

  /**
   * Records that there was nothing to do. Only under the lock.
   *
   * @throws {LockUnavailableError} When that is not possible.
   */
  async skip(lock: string, runner: Runner, rule: Rule): Promise<void> {
    const { after, now } = this.#store.dialect;
    const expires = after(rule.keepHistory);
    await this.#insert(lock, rule.once, runner, { outcome: "skipped", started: now, finished: now, expires });
  }

  /**
   * Forgets runs whose time is over, whatever their lock. Needs no lock.
   *
   * @throws {LockUnavailableError} When that is not possible.
   */
  async prune(): Promise<void> {
    const { now } = this.#store.dialect;
    const expired = await this.#ask(
      `SELECT id FROM ${this.#table} WHERE expires < ${now} AND outcome <> 'running' ` +
        `ORDER BY expires LIMIT ${PRUNED_AT_ONCE}`,
    );
    if (expired.length === 0) return;
    // The last one stays: before MySQL 8.0 and MariaDB 10.2.4 a restarted server counts on from the highest id that it
    // finds, and ids must grow.
    const [newest] = await this.#ask(`SELECT MAX(id) AS id FROM ${this.#table}`);
    const ids = expired.map(({ id }) => Number(id)).filter((id) => id !== Number(newest!.id));
    if (ids.length > 0) await this.#ask(`DELETE FROM ${this.#table} WHERE id IN (${ids.join(", ")})`);
  }

  /**
   * The latest runs, the newest first.
   *
   * @param lock Only those of this lock.
   * @returns None when there is no table yet.
   * @throws {LockUnavailableError} When the ledger cannot be read.
   */
  async latest(limit: number, lock?: string): Promise<readonly RecordedRun[]> {
    const where = lock === undefined ? "" : `WHERE lock_name = ${this.#text(lock)} `;
    const rest = `${where}ORDER BY id DESC LIMIT ${limit}`;
    try {
      return await this.#read(rest, (sql) => this.#store.run(sql));
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
      if (this.#store.dialect.isMissing("table", error.cause)) return [];
      if (this.#store.dialect.isMissing("column", error.cause)) return await this.#select(rest);
      throw this.#failure(error.reason, error);
    }
  }

  async #counted(lock: string, { once, every, countFailures }: Rule): Promise<RecordedRun | undefined> {
    const conditions = [
      ...(once === undefined ? [] : [`run_key = ${this.#text(once)}`]),
      // Also what begins later than now: a clock that was set back must not make for another run.
      ...(every === undefined ? [] : [`started > ${this.#store.dialect.after(-every)}`]),
    ];
    if (conditions.length === 0) return undefined;
    const outcomes = countFailures ? "'succeeded', 'failed', 'abandoned'" : "'succeeded'";
    const runs = await this.#select(
      `WHERE lock_name = ${this.#text(lock)} AND outcome IN (${outcomes}) AND (${conditions.join(" OR ")}) ` +
        "ORDER BY id DESC LIMIT 1",
    );
    return runs[0];
  }

  async #insert(
    lock: string,
    key: string | undefined,
    { label, host, pid, user }: Runner,
    sqls: Readonly<Partial<Record<LedgerColumn, string>>> & { readonly outcome: Outcome },
  ): Promise<number> {
    const { dialect } = this.#store;
    const values: Partial<Record<LedgerColumn, string>> = {
      version: String(VERSION),
      lock_name: this.#text(lock),
      run_key: key === undefined ? "NULL" : this.#text(key),
      label: this.#text(label),
      host: this.#text(host),
      pid: String(pid),
      session_id: dialect.session,
      user_name: this.#text(user),
      ...sqls,
      outcome: `'${sqls.outcome}'`,
    };
    const insert = `INSERT INTO ${this.#table} (${Object.keys(values).join(", ")}) ` +
      `VALUES (${Object.values(values).join(", ")})`;
    if (dialect.lastId === undefined) return Number((await this.#ask(`${insert} RETURNING id`))[0]!.id);
    await this.#ask(insert);
    return Number((await this.#ask(dialect.lastId))[0]!.id);
  }

  get #table(): string {
    return this.#store.dialect.table;
  }

  /** Text of the user's as SQL; as much of it as a column holds. */
  #text(text: string): string {
    return this.#store.dialect.text([...text].slice(0, LONGEST_TEXT).join(""));
  }

  #select(rest: string): Promise<readonly RecordedRun[]> {
    return this.#read(rest, (sql) => this.#ask(sql));
  }

  async #read(rest: string, run: (sql: string) => Promise<readonly Row[]>): Promise<readonly RecordedRun[]> {
    const { dialect } = this.#store;
    const text = (name: LedgerColumn) => `${dialect.readText(name)} AS ${name}`;
    const time = (name: LedgerColumn) => `${dialect.readTime(name)} AS ${name}`;
    const rows = await run(
      `SELECT id, lock_name, ${text("run_key")}, ${text("label")}, ${text("host")}, pid, session_id, ` +
        `${text("user_name")}, ${time("started")}, ${
          time("finished")
        }, exit_code, outcome FROM ${dialect.table} ${rest}`,
    );
    const number = (value: unknown) => value === null ? undefined : Number(value);
    return rows.map((row) => ({
      id: Number(row.id),
      lock: String(row.lock_name),
      key: row.run_key === null ? undefined : dialect.decodeText(row.run_key),
      label: dialect.decodeText(row.label),
      host: dialect.decodeText(row.host),
      pid: Number(row.pid),
      session: Number(row.session_id),
      user: dialect.decodeText(row.user_name),
      started: Number(row.started),
      finished: number(row.finished),
      exitCode: number(row.exit_code),
      outcome: String(row.outcome),
    }));
  }

  /** Runs a statement; makes the table, or what an older sera's table lacks, when it turns out that it is needed. */
  async #ask(sql: string): Promise<readonly Row[]> {
    let made = false;
    for (let tries = 1;; tries++) {
      try {
        return await this.#store.run(sql);
      } catch (error) {
        if (!(error instanceof LockUnavailableError)) throw error;
        const { dialect } = this.#store;
        if (!made && dialect.isMissing("table", error.cause)) await this.#make(createTable(dialect), error);
        else if (!made && dialect.isMissing("column", error.cause)) await this.#make(this.#additions(), error);
        else if (!error.transient || tries === TRIES) throw this.#failure(error.reason, error);
        else continue;
        made = true;
      }
    }
  }

  /** Statements that fail because another sera was faster do no harm: what counts is whether the table is right then. */
  async #make(statements: readonly string[], why: LockUnavailableError): Promise<void> {
    for (const sql of statements) {
      try {
        await this.#store.run(sql);
      } catch (error) {
        if (!(error instanceof LockUnavailableError)) throw error;
        if (!this.#store.dialect.isThereAlready(error.cause)) {
          throw this.#failure(`${why.reason}, and it cannot be made: ${error.reason}`, error);
        }
      }
    }
  }

  #additions(): readonly string[] {
    const { dialect } = this.#store;
    return COLUMNS.map((name) => `ALTER TABLE ${dialect.table} ADD COLUMN ${name} ${dialect.types[name]}`);
  }

  #failure(reason: string, cause?: LockUnavailableError): LockUnavailableError {
    const { dialect } = this.#store;
    const advice = cause && dialect.isRefused(cause.cause) ? `; ${dialect.grant}` : "";
    const said = `Cannot use the ledger ${dialect.shown}: ${reason}${advice}`;
    return new LockUnavailableError(said, false, said);
  }
}

/** As many characters as the columns for text hold. */
const LONGEST_TEXT = 190;
