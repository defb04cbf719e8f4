import type { Querier } from "../sql/querier.ts";
import { LOCK_WAIT } from "../sql/ledger_statements.ts";
import type { Row } from "../sql/row.ts";
import { sql, type Statement } from "../sql/statement.ts";

/**
 * SQL that sets what statements on sera's tables need. It returns no row.
 *
 * With `synchronous_commit` off, a crash of the server may lose committed changes, and give out the same number again. All
 * other values prevent that, and are kept. `lock_timeout` ends a wait for others.
 */
function set(isLocal: Statement): Statement {
  return sql`SELECT WHERE (set_config('lock_timeout', '${LOCK_WAIT}ms', ${isLocal}) ||
    set_config('statement_timeout', '0', ${isLocal}) || CASE current_setting('synchronous_commit')
      WHEN 'off' THEN set_config('synchronous_commit', 'on', ${isLocal}) ELSE '' END) IS NULL`;
}

/** A statement that sets them for the session. */
export const SET_FOR_SESSION: Statement = set(sql`false`);

/** A statement that sets them for the transaction. */
export const SET_FOR_TRANSACTION = set(sql`true`);

/**
 * A statement preceded by its settings. Both are one message, which the server runs as one transaction. A single statement
 * would apply them too late: it waits for its tables before it runs.
 */
export function withSettings(statement: Statement): Statement {
  return sql`${SET_FOR_TRANSACTION}; ${statement}`;
}

/** Sends a statement preceded by its settings. */
export function send(querier: Querier, statement: Statement): Promise<readonly Row[]> {
  return querier.queryAll(withSettings(statement), { serverTime: LOCK_WAIT });
}
