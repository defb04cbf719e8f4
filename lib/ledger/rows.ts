import type { Row } from "../lock/session.ts";
import { join, sql, type Statement } from "../sql/statement.ts";
import type { Dialect, LedgerColumn } from "./dialect.ts";
import type { RecordedRun } from "./run.ts";
import { COLUMNS } from "./schema.ts";

/**
 * The statement that reads runs.
 *
 * @param rest What follows the table's name.
 */
export function selectRuns({ table, readText, readTime }: Dialect, rest: Statement): Statement {
  const text = (name: LedgerColumn) => sql`${readText(COLUMNS[name])} AS ${COLUMNS[name]}`;
  const time = (name: LedgerColumn) => sql`${readTime(COLUMNS[name])} AS ${COLUMNS[name]}`;
  const columns = [
    ...[sql`id, lock_name`, text("run_key"), text("label"), text("host"), sql`pid, session_id`, text("user_name")],
    ...[time("started"), time("finished"), sql`exit_code, outcome`],
  ];
  return sql`SELECT ${join(columns)} FROM ${table} ${rest}`;
}

/** Reads a row that {@linkcode selectRuns} gave. */
export function readRun({ decodeText }: Dialect, row: Row): RecordedRun {
  const number = (value: unknown) => value === null ? undefined : Number(value);
  return {
    id: Number(row.id),
    lock: String(row.lock_name),
    key: row.run_key === null ? undefined : decodeText(row.run_key),
    label: decodeText(row.label),
    host: decodeText(row.host),
    pid: Number(row.pid),
    session: Number(row.session_id),
    user: decodeText(row.user_name),
    started: Number(row.started),
    finished: number(row.finished),
    exitCode: number(row.exit_code),
    outcome: String(row.outcome),
  };
}
