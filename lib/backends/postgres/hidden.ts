import type { Session } from "../sql/session.ts";
import { wholeFrom } from "../../text/foreign.ts";
import { join, sql } from "../sql/statement.ts";
import { askIfAllowed } from "../sql/ask_if_allowed.ts";
import type { Identity } from "./identity.ts";
import type { Seen, Stranger } from "../../who/sighting.ts";

const GRANT = "grant this role pg_read_all_stats";
const CURE = `ask for one lock by --name or its command, or ${GRANT}`;
const WAITERS_HIDDEN = "which lock other roles' sessions wait for is hidden from this role";

/**
 * Whether others may wait for one lock, unseen.
 *
 * @param seras The sessions that are known to be sera's; undefined where the view of sessions is refused.
 */
export async function hiddenWaiters(
  session: Session,
  seras: readonly Identity[] | undefined,
  signal: AbortSignal,
): Promise<Pick<Seen, "hidden" | "strangers">> {
  if (!seras) {
    const hidden =
      "the server hides pg_stat_activity from this role, and with it who waits; grant this role SELECT on it";
    return { hidden, strangers: [] };
  }
  const strangers = await withoutLocks(session, seras.filter(({ isHidden }) => isHidden), signal);
  return { hidden: strangers.length > 0 ? `${WAITERS_HIDDEN}; ${GRANT}` : undefined, strangers };
}

/**
 * What a role that is no administrator's does not see of other roles' sessions, when all locks are asked for, or those of
 * a namespace.
 *
 * @param seras The sessions that are known to be sera's; undefined where the view of sessions is refused.
 */
export async function whatIsHidden(
  session: Session,
  namespace: string | undefined,
  seras: readonly Identity[] | undefined,
  signal: AbortSignal,
): Promise<Pick<Seen, "hidden" | "strangers">> {
  if (!seras) {
    const hidden = "the server hides pg_stat_activity from this role, so which locks are sera's is not known; " +
      "ask for one lock by --name or its command, or grant this role SELECT on it";
    return { hidden, strangers: [] };
  }
  const strangers = await withoutLocks(session, seras.filter(({ isHidden }) => isHidden), signal);
  if (strangers.length > 0) {
    return { hidden: `${WAITERS_HIDDEN}; ${CURE}`, strangers };
  }
  if (namespace !== undefined) return { strangers };
  // A holder whose server setting has an application_name of its own.
  const [row] = await askIfAllowed(
    session,
    sql`SELECT count(*) AS count FROM pg_locks AS locks JOIN pg_stat_activity AS session ON session.pid = locks.pid
      WHERE locks.locktype = 'advisory' AND session.datname = current_database()
        AND session.query = '<insufficient privilege>' AND NOT session.application_name LIKE 'sera %'`,
    signal,
  );
  const count = wholeFrom(row?.count) ?? 0;
  if (count === 0) return { strangers };
  const [which, are] = count === 1 ? ["one advisory lock", "is"] : [`${count} advisory locks`, "are"];
  const hidden =
    `${which} of other roles' sessions ${are} missing: whether they are sera's is hidden from this role; ${CURE}`;
  return { hidden, strangers };
}

/** Those that hold no lock, so that they may wait for one. */
async function withoutLocks(
  session: Session,
  seras: readonly Identity[],
  signal: AbortSignal,
): Promise<readonly Stranger[]> {
  const all = seras.flatMap(({ who }) => who.session === undefined ? [] : [{ ...who, session: who.session }]);
  if (all.length === 0) return [];
  const pids = join(all.map(({ session }) => sql`${session}`));
  const rows = await askIfAllowed(
    session,
    sql`SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid IN (${pids})`,
    signal,
  );
  const holding = new Set(rows.map(({ pid }) => wholeFrom(pid)));
  return all.filter(({ session }) => !holding.has(session));
}
