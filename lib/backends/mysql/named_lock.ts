import type { Deadline } from "../../deadline.ts";
import { LockUnavailableError } from "../../errors.ts";
import { delayOrAbort, within } from "../../waiting.ts";
import { Moment } from "../../lock/lease.ts";
import { answerIn, askOne } from "../sql/answer.ts";
import { type Outcome, rowsOf } from "../sql/batch.ts";
import type { ReleaseWhere } from "../sql/release_where.ts";
import type { Session } from "../sql/session.ts";
import { join, sql, type Statement } from "../sql/statement.ts";

/**
 * The longest wait for one `GET_LOCK`, in seconds, so that a waiter soon notices a server that has vanished. (TiDB
 * would clamp at an hour.)
 */
const MAX_SERVER_WAIT = 60;

/**
 * How far past the deadline the server's answer may come, in milliseconds. Servers count whole seconds (MySQL drops a
 * fraction), so a wait such as 1500ms has to be ended by our own clock.
 */
const ROUNDING = 100;

/** A named lock was granted. */
export interface Granted {
  /** When the lock was asked for. */
  readonly asked: Moment;
  /** The outcomes of the statements that were sent along; empty if that was not possible. */
  readonly next: readonly Outcome[];
}

/** Additions to a request for a named lock. */
export interface Along {
  /** Statements to run after each request, in the same message if the server accepts that. */
  readonly next?: readonly Statement[];
  /** A condition under which the server must not wait. */
  readonly unless?: Statement | undefined;
  /**
   * Called when the lock is busy, with the outcomes of `next`.
   *
   * @throws To end the wait.
   */
  readonly busy?: (next: readonly Outcome[]) => Promise<void>;
}

/**
 * Asks for a named lock (`GET_LOCK`) in a session until it is granted or the deadline passes.
 *
 * @param name The name as a literal.
 * @returns Undefined if another session held it until the deadline; this session may then have been ended.
 * @throws {LockUnavailableError} When it cannot be asked for.
 * @throws The signal's reason when it is aborted.
 */
export async function getNamedLock(
  session: Session,
  name: Statement,
  deadline: Deadline,
  signal: AbortSignal,
  { next = [], unless, busy }: Along = {},
): Promise<Granted | undefined> {
  for (;;) {
    const remaining = deadline.remaining;
    const seconds = Math.min(Math.ceil(Math.max(0, remaining - ROUNDING) / 1000), MAX_SERVER_WAIT);
    const asked = new Moment();
    const byServer = seconds * 1000 - remaining <= ROUNDING;
    const limit = unless && seconds > 0 ? sql`IF(${unless}, 0, ${seconds})` : sql`${seconds}`;
    const request = sql`SELECT GET_LOCK(${name}, ${limit}) AS got`;
    const all = session.takesSeveral ? [request, ...next] : [request];
    const query = session.batch(all, { signal, serverTime: seconds * 1000 });
    const outcomes = byServer ? await query : await orGiveUp(session, query, remaining);
    if (!outcomes) return undefined;
    const got = answerIn(session, rowsOf(outcomes[0]!), ["got"]).bit("got");
    if (got === undefined) {
      const what = "the server aborted the request (a killed query, a time limit, or no memory)";
      throw LockUnavailableError.on(session.where, { what }, { transient: true });
    }
    if (got) return { asked, next: outcomes.slice(1) };
    await busy?.(outcomes.slice(1));
    if (deadline.remaining <= ROUNDING) return undefined;
    // The server waited less than it was asked to. Pause, in case it does not wait at all.
    await delayOrAbort(ROUNDING, signal);
    signal.throwIfAborted();
  }
}

/**
 * SQL for the name of the lock whose holder requests the release of another lock; at most 64 characters.
 *
 * @param lock The lock's name.
 * @param id The holder's connection; by default the one that asks.
 */
export function endRequestFor(lock: string, id: Statement | number = sql`CONNECTION_ID()`): Statement {
  return sql`CONCAT(${`sera:end:${lock}:`}, ${id})`;
}

/**
 * Releases a named lock, or several in their order.
 *
 * @param names The names as literals.
 * @param besides Another one that is released first, if this session holds it.
 * @returns Whether this session held all of them.
 * @throws {LockUnavailableError} When the statement fails or is not answered.
 */
export async function releaseNamedLock(
  session: Session,
  names: readonly Statement[],
  besides?: Statement,
): Promise<boolean> {
  const released = await askOne(session, sql`SELECT ${releaseOf(names, besides)} AS released`, ["released"]);
  return released.bit("released") === true;
}

/**
 * Releases a named lock, or several, as part of a batch, if a condition is true.
 *
 * @param names The names as literals.
 * @param besides Another one that is released before, if this session holds it.
 */
export function releaseNamedLockWhere(
  session: Session,
  names: Statement | readonly Statement[],
  condition: Statement,
  besides?: Statement,
): ReleaseWhere {
  return {
    statement: sql`SELECT IF(${condition}, ${releaseOf([names].flat(), besides)}, NULL) AS released`,
    wasHeld: (rows) => answerIn(session, rows, ["released"]).bit("released"),
  };
}

/** SQL that releases named locks; 1 if this session held them all, else 0. AND would stop at the first that it did not. */
function releaseOf(names: readonly Statement[], besides?: Statement): Statement {
  // The result is NULL for a lock that nobody holds.
  const each = names.map((name) => sql`IFNULL(RELEASE_LOCK(${name}), 0)`);
  const first = besides ? [sql`(IFNULL(RELEASE_LOCK(${besides}), 0) > 1)`] : [];
  return names.length === 1 ? each[0]! : sql`${join([...first, ...each], sql` + `)} = ${names.length}`;
}

/**
 * Ends a wait by our own clock, in milliseconds. Closing the session withdraws the request, even if it is being granted
 * just now.
 */
async function orGiveUp<T extends object>(
  session: Session,
  query: Promise<T>,
  remaining: number,
): Promise<T | undefined> {
  const answer = await within(remaining, query);
  if (!answer) session.destroy();
  return answer;
}
