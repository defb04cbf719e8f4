import type { Row } from "../lock/session.ts";
import type { Dialect, LedgerColumn } from "./dialect.ts";
import type { RecordedRun } from "./run.ts";

/**
 * The statement that reads runs.
 *
 * @param rest What follows the table's name.
 */
export function selectRuns({ table, readText, readTime }: Dialect, rest: string): string {
  const text = (name: LedgerColumn) => `${readText(name)} AS ${name}`;
  const time = (name: LedgerColumn) => `${readTime(name)} AS ${name}`;
  const columns = [
    ...["id", "lock_name", text("run_key"), text("label"), text("host"), "pid", "session_id", text("user_name")],
    ...[time("started"), time("finished"), "exit_code", "outcome"],
  ];
  return `SELECT ${columns.join(", ")} FROM ${table} ${rest}`;
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
