import { answerIn } from "../sql/answer.ts";
import type { ReleaseWhere } from "../sql/release_where.ts";
import { join, sql, type Statement } from "../sql/statement.ts";
import type { PostgresSession } from "./session.ts";
import { withShortWait } from "./sql.ts";

/** What a session releases, as SQL. */
export interface Given {
  /** Expressions that each unlock something, and return whether the session had it. */
  readonly unlock: readonly Statement[];
  /** Expressions that notify a waiter of each lock. */
  readonly tell: Statement;
  /** Notifies all who listen without a seat. */
  readonly tellAll: Statement;
}

/**
 * Releases locks and notifies their waiters, in one message but not in one statement: the server may refuse to notify, as
 * on a standby, or when too many notifications wait for a slow listener, and may do so only after it has unlocked.
 *
 * @returns Whether the session had all of them.
 * @throws {LockUnavailableError} When that is not known.
 */
export async function release(session: PostgresSession, { unlock, tell, tellAll }: Given): Promise<boolean> {
  const [released, told] = await session.batch([sql`SELECT ${all(unlock)}`, sql`SELECT ${tell} AS told`]);
  if ("error" in released!) throw released.error;
  // Also for those that could not take a seat.
  if ("error" in told! && !session.closed.aborted) session.attempt(tellAll).catch(() => undefined);
  return answerIn(session, released!.rows, ["released"]).truth("released");
}

/** Releases locks and notifies their waiters in a batch, where a condition on tables holds. */
export function releaseWhere(session: PostgresSession, { unlock, tell }: Given, condition: Statement): ReleaseWhere {
  return {
    statement: withShortWait(sql`SELECT ${all(unlock)} WHERE ${condition}`),
    then: sql`SELECT ${tell} AS told`,
    wasHeld: (rows) => rows.length === 0 ? undefined : answerIn(session, rows, ["released"]).truth("released"),
  };
}

/** Unlocks each, whatever happens to the others. */
function all(unlock: readonly Statement[]): Statement {
  if (unlock.length === 1) return sql`${unlock[0]!} AS released`;
  return sql`${join(unlock.map((each) => sql`${each}::int`), sql` + `)} = ${unlock.length} AS released`;
}
