import { QueueFullError } from "../../errors.ts";
import { askOne } from "../sql/answer.ts";
import { join, sql, type Statement, word } from "../sql/statement.ts";
import type { MySqlSession } from "./session.ts";

/**
 * Takes the first free seat for a waiter: a named lock such as `LOCK.w0`.
 *
 * @returns Its name as a literal.
 * @throws {QueueFullError} When none is free, or there are none.
 * @throws {LockUnavailableError} When they cannot be asked for.
 */
export async function takeSeat(
  session: MySqlSession,
  lock: string,
  seats: number,
  signal: AbortSignal,
): Promise<Statement> {
  if (seats === 0) throw new QueueFullError(seats);
  const names = Array.from({ length: seats }, (_, seat) => word(`${lock}.w${seat}`));
  const each = names.map((name, seat) => sql`WHEN GET_LOCK(${name}, 0) THEN ${seat}`);
  const statement = sql`SELECT CASE ${join(each, sql` `)} ELSE ${seats} END AS seat`;
  const name = names[(await askOne(session, statement, ["seat"], { signal })).whole("seat")];
  if (name === undefined) throw new QueueFullError(seats);
  return name;
}
