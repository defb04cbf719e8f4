/** Several statements in one message, which the server answers with a result each, up to the first that fails. */

import type { Connection } from "mysql2";
import type { DriverAnswer } from "../sql/driver.ts";
import { MYSQL } from "../sql/quoting.ts";
import type { Statement } from "../sql/statement.ts";
import type { MySqlGuard } from "./guard.ts";
import { rowsIn } from "./rows_in.ts";
import type { MySqlDsn } from "./server.ts";

/** The capability flag of a server that accepts several statements in one message. */
const MULTI_STATEMENTS = 0x10000;

/** The parts of the driver used here. They are not public; tests against real servers would see them change. */
interface DriverConnection {
  readonly serverCapabilityFlags: number;
}
interface DriverQuery {
  /** The results so far; the last of them need not be complete. */
  readonly _rows: readonly unknown[];
  /** How many of them are complete. */
  readonly _resultIndex: number;
}

/** Whether the server's greeting says that it accepts several statements in one message. */
export function serverTakesSeveral(connection: Connection): boolean {
  return ((connection as unknown as DriverConnection).serverCapabilityFlags & MULTI_STATEMENTS) !== 0;
}

/**
 * Whether to enable several statements per message. Not if the administrator's SQL in the DSN contains a semicolon, even in
 * a string: it must remain a single statement or an error. Nor with compression, where servers and the driver number the
 * packets of a second result differently.
 */
export function maySendSeveral({ sessionVariables, compress }: MySqlDsn): boolean {
  return !compress && !Object.values(sessionVariables).some((value) => value.includes(";"));
}

/** See {@linkcode DriverConnection.queryEach}. */
export function queryEach(
  connection: Connection,
  guard: MySqlGuard,
  statements: readonly Statement[],
  done: (answers: readonly DriverAnswer[]) => void,
  counts: boolean,
): void {
  guard.statementSent(statements.length);
  const query = connection.query(textOf(statements), (error) => {
    const { _rows: results, _resultIndex: complete } = query as unknown as DriverQuery;
    const answers: DriverAnswer[] = (error ? results.slice(0, complete) : results)
      .map((result) => ({ rows: rowsIn(result, counts) }));
    done(error ? [...answers, { error }] : answers);
  });
}

function textOf(statements: readonly Statement[]): string {
  return statements.map((statement) => statement.textFor(MYSQL)).join("; ");
}
