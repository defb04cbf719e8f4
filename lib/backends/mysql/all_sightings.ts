import { textFrom, wholeFrom } from "../../text/untrusted.ts";
import type { Session } from "../sql/session.ts";
import { sql, type Statement } from "../sql/statement.ts";
import { askIfAllowed, askOrRefused } from "../sql/ask_if_allowed.ts";
import type { ShownAttributes } from "./attributes.ts";
import type { Process, Processes } from "./processes.ts";
import type { OtherSession, Seen } from "../../who/sighting.ts";

/** How many locks one query reads. */
const READ_AT_ONCE = 5000;

/** The SQL pattern of the names of sera's locks and their slots, without the marks. */
const NAMES = sql`'^[0-9a-f]{32}([.][1-9][0-9]*|[.]q)?$'`;

/** Queries for all `GET_LOCK` locks named like sera's: one for MySQL, one for MariaDB's metadata_lock_info plugin. */
const LISTS: readonly ((after: string) => Statement)[] = [
  (after) =>
    sql`SELECT LEFT(OBJECT_NAME, 32) AS name FROM performance_schema.metadata_locks
      WHERE OBJECT_TYPE = 'USER LEVEL LOCK' AND OBJECT_NAME REGEXP ${NAMES} AND LEFT(OBJECT_NAME, 32) > ${after}
      GROUP BY LEFT(OBJECT_NAME, 32) ORDER BY LEFT(OBJECT_NAME, 32) LIMIT ${READ_AT_ONCE}`,
  (after) =>
    sql`SELECT LEFT(TABLE_SCHEMA, 32) AS name FROM information_schema.METADATA_LOCK_INFO
      WHERE LOCK_TYPE = 'User lock' AND TABLE_SCHEMA REGEXP ${NAMES} AND LEFT(TABLE_SCHEMA, 32) > ${after}
      GROUP BY LEFT(TABLE_SCHEMA, 32) ORDER BY LEFT(TABLE_SCHEMA, 32) LIMIT ${READ_AT_ONCE}`,
];

/**
 * The names of all locks that are held or waited for.
 *
 * @returns Undefined where the server does not list locks for this user.
 */
export async function listedLocks(session: Session, signal: AbortSignal): Promise<readonly string[] | undefined> {
  const [mdl] = await askIfAllowed(
    session,
    sql`SELECT ENABLED AS enabled FROM performance_schema.setup_instruments WHERE NAME = 'wait/lock/metadata/sql/mdl'`,
    signal,
  );
  for (const list of mdl?.enabled === "YES" && await isPerformanceSchemaOn(session, signal) ? LISTS : LISTS.slice(1)) {
    const names: string[] = [];
    for (let last = "";;) {
      const rows = await askOrRefused(session, list(last), signal);
      if (!rows) break;
      const more = rows.flatMap(({ name }) => textFrom(name) ?? []);
      names.push(...more);
      const next = more.at(-1) ?? last;
      if (rows.length < READ_AT_ONCE || next <= last) return names;
      last = next;
    }
  }
  return undefined;
}

/** Whether performance_schema is on. When it is off, its tables exist but are empty. */
export async function isPerformanceSchemaOn(session: Session, signal: AbortSignal): Promise<boolean> {
  const [variable] = await askIfAllowed(session, sql`SHOW GLOBAL VARIABLES LIKE 'performance_schema'`, signal);
  return Object.values(variable ?? {}).includes("ON");
}

/** The cure where the server hides connection attributes from this user. */
const GRANT = "grant it SELECT on performance_schema.session_connect_attrs";

/**
 * Which locks are missing from a list of all locks, why, and what to do; and the sessions that may hold them.
 *
 * @param known The ids of sessions already known to hold or to wait for a lock.
 */
export async function whatIsHidden(
  session: Session,
  processes: Processes,
  attributes: ShownAttributes,
  known: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<Pick<Seen, "hidden" | "otherSessions">> {
  const isOn = await isPerformanceSchemaOn(session, signal);
  const scope = isOn ? attributes.scope : "none";
  if (scope === "all") return { hidden: hiddenWaiters(processes, attributes, known), otherSessions: [] };
  const otherSessions = otherSessionsAmong(processes, { ...attributes, scope }, known);
  if (otherSessions.length === 0 && await showsAll(processes, session, signal)) return { otherSessions };
  const unless = "unless the ledger has their runs";
  const byName = "ask for one lock by --name or its command";
  if (!isOn) {
    const what = "performance_schema is off, so the server does not list locks, and held ones are missing";
    return {
      hidden: `${what} ${unless}; ${byName}, or ${howToListLocks(await isMariaDb(session, signal))}`,
      otherSessions,
    };
  }
  const what = scope === "none"
    ? "the server hides the sessions' attributes from this user, so held locks are missing"
    : "this user sees only its own sessions from this host, so locks that are held from elsewhere are missing";
  return { hidden: `${what} ${unless}; ${byName}, or ${GRANT}`, otherSessions };
}

/**
 * Why a holder that is not in the ledger is shown without host, process and label, and what to do.
 *
 * @returns Undefined where this user sees all that sessions say of themselves.
 */
export async function whyNameless(
  session: Session,
  { scope }: ShownAttributes,
  signal: AbortSignal,
): Promise<string | undefined> {
  const what = "The host, process and label of a holder are not shown, since the ledger does not have its run and";
  if (!await isPerformanceSchemaOn(session, signal)) {
    return `${what} performance_schema is off; set performance_schema=ON and restart the server`;
  }
  return scope === "all" ? undefined : `${what} the server hides its attributes from this user; ${GRANT}`;
}

/** The cure where a server does not list its locks. */
export function howToListLocks(isMariaDb: boolean): string {
  const off = "set performance_schema=ON and restart the server";
  return isMariaDb ? `run INSTALL SONAME 'metadata_lock_info' if that plugin is available, or ${off}` : off;
}

async function isMariaDb(session: Session, signal: AbortSignal): Promise<boolean> {
  const [row] = await askIfAllowed(session, sql`SELECT VERSION() AS version`, signal);
  return /mariadb/i.test(textFrom(row?.version) ?? "");
}

/**
 * Whether the process list has every client of the server, so that no session is hidden. Any user may read the count to
 * compare with.
 */
async function showsAll({ others, own }: Processes, session: Session, signal: AbortSignal): Promise<boolean> {
  const [row] = await askIfAllowed(session, sql`SHOW GLOBAL STATUS LIKE 'Threads_connected'`, signal);
  const connected = wholeFrom(Object.values(row ?? {})[1]);
  const shown = others.filter(({ isClient }) => isClient).length + (own ? 1 : 0);
  return connected !== undefined && shown >= connected;
}

/**
 * This user's sessions that may be sera's and hold a lock, where the server does not say.
 *
 * @param known The ids of sessions already known to hold or to wait for a lock.
 */
function otherSessionsAmong(
  { others, own }: Processes,
  { scope, byConnection }: ShownAttributes,
  known: ReadonlySet<number>,
): readonly OtherSession[] {
  const mayBeSera = ({ id, user, address, idle }: Process) =>
    idle && user === own?.user && !known.has(id) && !byConnection.has(id) &&
    // This user can see the attributes of sessions from its own host, so one without them is not sera's.
    !(scope === "this host" && address === own?.address);
  return others.filter(mayBeSera).map(({ id, user, address }) => ({ session: id, user, address }));
}

/**
 * Whether waiters of one lock may be hidden from this user, and what to do.
 *
 * @param known The ids of sessions already known to hold or to wait for a lock.
 * @returns Undefined where none are hidden.
 */
export async function hiddenWaitersOfOne(
  session: Session,
  processes: Processes,
  attributes: ShownAttributes,
  known: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (await showsAll(processes, session, signal)) return undefined;
  const tells = attributes.scope === "all" && await isPerformanceSchemaOn(session, signal);
  return tells ? hiddenWaiters(processes, attributes, known) : WAITERS_HIDDEN;
}

const WAITERS_HIDDEN = "other users' sessions that wait are hidden from this user; grant it PROCESS";

/**
 * Whether sera's sessions are missing from the process list, and what to do. One that only observes counts too, but
 * such sessions are few and short.
 *
 * @param known The ids of sessions already known to hold or to wait for a lock.
 * @returns Undefined where none are missing.
 */
export function hiddenWaiters(
  { others, own }: Processes,
  { byConnection }: ShownAttributes,
  known: ReadonlySet<number>,
): string | undefined {
  const seen = new Set(others.map(({ id }) => id));
  const hidden = [...byConnection.keys()].filter((id) => !seen.has(id) && !known.has(id) && id !== own?.id);
  return hidden.length === 0 ? undefined : WAITERS_HIDDEN;
}
