import type { Session } from "../sql/session.ts";
import { wholeFrom } from "../../text/untrusted.ts";
import { join, sql } from "../sql/statement.ts";
import { askIfAllowed } from "../sql/ask_if_allowed.ts";
import { IS_AUXILIARY, SLOT_HOLDERS } from "./lock_rows.ts";
import type { SessionInfo } from "./session_info.ts";
import type { OtherSession, Seen } from "../../who/sighting.ts";

const GRANT = "grant this role pg_read_all_stats";
const CURE = `ask for one lock by --name or its command, or ${GRANT}`;
const WAITERS_HIDDEN = "which lock other roles' sessions wait for is hidden from this role";

/**
 * Whether waiters of one lock may be hidden from this role, and what to do; and the sessions that may wait for it.
 *
 * @param seraSessions The sessions that are known to be sera's; undefined where this role may not read
 * pg_stat_activity.
 */
export async function hiddenWaiters(
  session: Session,
  seraSessions: readonly SessionInfo[] | undefined,
  signal: AbortSignal,
): Promise<Pick<Seen, "hidden" | "otherSessions">> {
  if (!seraSessions) {
    const hidden =
      "the server hides pg_stat_activity from this role, and with it who waits; grant this role SELECT on it";
    return { hidden, otherSessions: [] };
  }
  const otherSessions = await withoutLocks(session, seraSessions.filter(({ isHidden }) => isHidden), signal);
  return { hidden: otherSessions.length > 0 ? `${WAITERS_HIDDEN}; ${GRANT}` : undefined, otherSessions };
}

/**
 * What may be missing from a list of all locks, or of those in a namespace, why, and what to do; and the sessions that
 * may wait for them. An ordinary role sees little of other roles' sessions.
 *
 * @param seraSessions The sessions that are known to be sera's; undefined where this role may not read
 * pg_stat_activity.
 */
export async function whatIsHidden(
  session: Session,
  namespace: string | undefined,
  seraSessions: readonly SessionInfo[] | undefined,
  signal: AbortSignal,
): Promise<Pick<Seen, "hidden" | "otherSessions">> {
  if (!seraSessions) {
    const hidden = "the server hides pg_stat_activity from this role, so which locks are sera's is not known; " +
      "ask for one lock by --name or its command, or grant this role SELECT on it";
    return { hidden, otherSessions: [] };
  }
  const otherSessions = await withoutLocks(session, seraSessions.filter(({ isHidden }) => isHidden), signal);
  if (otherSessions.length > 0) {
    return { hidden: `${WAITERS_HIDDEN}; ${CURE}`, otherSessions };
  }
  if (namespace !== undefined) return { otherSessions };
  // Such a lock may be held by a sera whose server setting has another application_name.
  const [row] = await askIfAllowed(
    session,
    sql`SELECT count(*) AS count FROM pg_locks AS locks JOIN pg_stat_activity AS session ON session.pid = locks.pid
      WHERE locks.locktype = 'advisory' AND NOT ${IS_AUXILIARY} AND locks.pid NOT IN ${SLOT_HOLDERS} AND session.datname = current_database()
        AND session.query = '<insufficient privilege>' AND NOT session.application_name LIKE 'sera %'`,
    signal,
  );
  const count = wholeFrom(row?.count) ?? 0;
  if (count === 0) return { otherSessions };
  const [which, are] = count === 1 ? ["one advisory lock", "is"] : [`${count} advisory locks`, "are"];
  const hidden =
    `${which} of other roles' sessions ${are} missing: whether they are sera's is hidden from this role; ${CURE}`;
  return { hidden, otherSessions };
}

/** The sessions that hold no advisory lock, and so may wait for one. */
async function withoutLocks(
  session: Session,
  seraSessions: readonly SessionInfo[],
  signal: AbortSignal,
): Promise<readonly OtherSession[]> {
  const all = seraSessions.flatMap(({ who }) => who.session === undefined ? [] : [{ ...who, session: who.session }]);
  if (all.length === 0) return [];
  const pids = join(all.map(({ session }) => sql`${session}`));
  const rows = await askIfAllowed(
    session,
    sql`SELECT DISTINCT pid FROM pg_locks
      WHERE locktype = 'advisory' AND NOT ${IS_AUXILIARY} AND granted AND pid IN (${pids})`,
    signal,
  );
  const holding = new Set(rows.map(({ pid }) => wholeFrom(pid)));
  return all.filter(({ session }) => !holding.has(session));
}
