import { exactFrom, pidFrom, timeFrom, wholeFrom } from "../../text/untrusted.ts";
import type { Row } from "./row.ts";
import { join, sql, type Statement } from "./statement.ts";
import type { Dialect, LedgerColumn } from "./dialect.ts";
import type { RecordedRun } from "../../ledger/run.ts";
import { COLUMNS } from "./schema.ts";

/** Matches an outcome; later versions of sera may have more of them. */
const OUTCOME = /^[a-z]{1,20}$/;

/** The outcome of a run whose row has no valid one. */
const NO_OUTCOME = "unknown";

/**
 * Makes the statement that reads runs.
 *
 * @param rest What follows the table's name.
 * @param missing Columns that the table lacks.
 * @param more Further columns.
 */
export function selectRuns(
  { table, readText, readNumber, readTime }: Dialect,
  rest: Statement,
  missing: readonly LedgerColumn[] = [],
  more: readonly Statement[] = [],
): Statement {
  const of = (read: (column: Statement) => Statement, ...names: LedgerColumn[]) =>
    names.map((name) => sql`${missing.includes(name) ? sql`NULL` : read(COLUMNS[name])} AS ${COLUMNS[name]}`);
  const columns = [
    // Named differently from the column, so that ORDER BY id means the number and not this text.
    sql`${readNumber(sql`id`)} AS run_id`,
    ...of(readText, "lock_name", "run_key", "label", "host", "user_name", "outcome"),
    ...of(readNumber, "pid", "session_id", "exit_code"),
    ...of(readTime, "started", "finished"),
    ...more,
  ];
  return sql`SELECT ${join(columns)} FROM ${table} ${rest}`;
}

/**
 * Reads rows that {@linkcode selectRuns} asked for. Others may have written them: invalid values are left out, and the
 * rest of the row stays.
 */
export function readRuns(dialect: Dialect, rows: readonly Row[]): readonly RecordedRun[] {
  return rows.flatMap((row) => readRun(dialect, row) ?? []);
}

/** How many runs to read at a time: even with the longest texts they fit into the longest accepted answer. */
const READ_AT_ONCE = 100;

/**
 * Reads the latest runs, newest first.
 *
 * @param condition Which of them; all if undefined.
 * @param ask Asks for rows.
 * @param missing Columns that the table lacks.
 */
export async function readLatest(
  dialect: Dialect,
  condition: Statement | undefined,
  limit: number,
  ask: (statement: Statement) => Promise<readonly Row[]>,
  missing: readonly LedgerColumn[] = [],
): Promise<readonly RecordedRun[]> {
  const runs: RecordedRun[] = [];
  while (runs.length < limit) {
    const last = runs.at(-1);
    const conditions = [condition, last && sql`id < ${last.id}`].filter((part) => part !== undefined);
    const where = conditions.length === 0 ? sql`` : sql`WHERE ${join(conditions, sql` AND `)} `;
    const rest = sql`${where}ORDER BY id DESC LIMIT ${Math.min(limit - runs.length, READ_AT_ONCE)}`;
    const more = readRuns(dialect, await ask(selectRuns(dialect, rest, missing)));
    if (more.length === 0) break;
    runs.push(...more);
  }
  return runs;
}

function readRun({ decodeText }: Dialect, row: Row): RecordedRun | undefined {
  const id = exactFrom(row.run_id);
  // Happens only in a table that is not sera's.
  if (id === undefined) return undefined;
  return {
    id,
    lock: decodeText(row.lock_name) ?? "",
    key: decodeText(row.run_key),
    label: decodeText(row.label) ?? "",
    host: decodeText(row.host) ?? "",
    pid: pidFrom(row.pid),
    session: wholeFrom(row.session_id),
    user: decodeText(row.user_name) ?? "",
    started: timeFrom(row.started),
    finished: timeFrom(row.finished),
    exitCode: wholeFrom(row.exit_code, 0, 2 ** 32 - 1),
    outcome: outcomeFrom(decodeText(row.outcome)),
  };
}

/** An outcome as it was read; `unknown` if it is invalid. */
export function outcomeFrom(text = ""): string {
  return OUTCOME.test(text) ? text : NO_OUTCOME;
}
