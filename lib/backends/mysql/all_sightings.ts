import { textFrom, wholeFrom } from "../../text/foreign.ts";
import type { Session } from "../sql/session.ts";
import { sql, type Statement } from "../sql/statement.ts";
import { askIfAllowed, askOrRefused } from "../sql/ask_if_allowed.ts";
import type { ShownAttributes } from "./attributes.ts";
import type { Process, Processes } from "./processes.ts";
import type { Seen, Stranger } from "../../who/sighting.ts";

/** How many locks are read at a time. */
const READ_AT_ONCE = 5000;

/** The names of all locks of `GET_LOCK` that look like sera's: MySQL's way to list them, and that of a plugin of MariaDB. */
const LISTS: readonly ((after: string) => Statement)[] = [
  (after) =>
    sql`SELECT OBJECT_NAME AS name FROM performance_schema.metadata_locks
      WHERE OBJECT_TYPE = 'USER LEVEL LOCK' AND OBJECT_NAME REGEXP '^[0-9a-f]{32}$' AND OBJECT_NAME > ${after}
      GROUP BY OBJECT_NAME ORDER BY OBJECT_NAME LIMIT ${READ_AT_ONCE}`,
  (after) =>
    sql`SELECT TABLE_SCHEMA AS name FROM information_schema.METADATA_LOCK_INFO
      WHERE LOCK_TYPE = 'User lock' AND TABLE_SCHEMA REGEXP '^[0-9a-f]{32}$' AND TABLE_SCHEMA > ${after}
      GROUP BY TABLE_SCHEMA ORDER BY TABLE_SCHEMA LIMIT ${READ_AT_ONCE}`,
];

/**
 * The names of the locks that are held, whoever holds them, where the server lists them for this user.
 *
 * @returns Undefined where it does not.
 */
export async function listedLocks(session: Session, signal: AbortSignal): Promise<readonly string[] | undefined> {
  const [mdl] = await askIfAllowed(
    session,
    sql`SELECT ENABLED AS enabled FROM performance_schema.setup_instruments WHERE NAME = 'wait/lock/metadata/sql/mdl'`,
    signal,
  );
  for (const list of mdl?.enabled === "YES" && await isSchemaOn(session, signal) ? LISTS : LISTS.slice(1)) {
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

/** Its tables are there all the same, and empty. */
async function isSchemaOn(session: Session, signal: AbortSignal): Promise<boolean> {
  const [variable] = await askIfAllowed(session, sql`SHOW GLOBAL VARIABLES LIKE 'performance_schema'`, signal);
  return Object.values(variable ?? {}).includes("ON");
}

/** What to do where the server keeps attributes from this user. */
const GRANT = "grant it SELECT on performance_schema.session_connect_attrs";

/**
 * Whose locks are left out when all are asked for, why, and what to do; and the sessions that may hold them.
 *
 * @param known The sessions of which it is known what they hold or wait for.
 */
export async function whatIsHidden(
  session: Session,
  processes: Processes,
  attributes: ShownAttributes,
  known: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<Pick<Seen, "hidden" | "strangers">> {
  const isOn = await isSchemaOn(session, signal);
  const of = isOn ? attributes.of : "none";
  if (of === "all") return { hidden: hiddenWaiters(processes, attributes, known), strangers: [] };
  const strangers = strangersAmong(processes, { ...attributes, of }, known);
  if (strangers.length === 0 && await showsAll(processes, session, signal)) return { strangers };
  const unless = "unless the ledger has its run";
  const byName = "ask for one lock by --name or its command";
  if (!isOn) {
    const what = "performance_schema is off, so the server does not list locks, and one that is held is missing";
    return { hidden: `${what} ${unless}; ${byName}, or ${howToList(await isMariaDb(session, signal))}`, strangers };
  }
  const what = of === "none"
    ? "the server hides the sessions' attributes from this user, so a lock that is held is missing"
    : "this user sees only its own sessions from this host, so a lock that is held from elsewhere is missing";
  return { hidden: `${what} ${unless}; ${byName}, or ${GRANT}`, strangers };
}

/** What makes a server list its locks. */
export function howToList(isMariaDb: boolean): string {
  const off = "have performance_schema=ON set for the server's next restart";
  return isMariaDb ? `have INSTALL SONAME 'metadata_lock_info' run, where that plugin is installed, or ${off}` : off;
}

async function isMariaDb(session: Session, signal: AbortSignal): Promise<boolean> {
  const [row] = await askIfAllowed(session, sql`SELECT VERSION() AS version`, signal);
  return /mariadb/i.test(textFrom(row?.version) ?? "");
}

/**
 * Whether the list of processes has all clients of the server: then nobody is hidden but perhaps those of whom it is not
 * known what they do. Any user may know how many there are.
 */
async function showsAll({ others, own }: Processes, session: Session, signal: AbortSignal): Promise<boolean> {
  const [row] = await askIfAllowed(session, sql`SHOW GLOBAL STATUS LIKE 'Threads_connected'`, signal);
  const connected = wholeFrom(Object.values(row ?? {})[1]);
  const shown = others.filter(({ isClient }) => isClient).length + (own ? 1 : 0);
  return connected !== undefined && shown >= connected;
}

/**
 * The sessions of this user that may be seras which hold a lock, where the server does not tell.
 *
 * @param known The sessions of which it is known what they hold or wait for.
 */
function strangersAmong(
  { others, own }: Processes,
  { of, byConnection }: ShownAttributes,
  known: ReadonlySet<number>,
): readonly Stranger[] {
  const mayBeSera = ({ id, user, address, idle }: Process) =>
    idle && user === own?.user && !known.has(id) && !byConnection.has(id) &&
    // Of those from the same host everything is seen, and a sera would have attributes.
    !(of === "this host" && address === own?.address);
  return others.filter(mayBeSera).map(({ id, user, address }) => ({ session: id, user, address }));
}

/**
 * Whether others than this user may wait for one lock, unseen.
 *
 * @param known The sessions of which it is known what they hold or wait for.
 */
export async function hiddenWaitersOfOne(
  session: Session,
  processes: Processes,
  attributes: ShownAttributes,
  known: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (await showsAll(processes, session, signal)) return undefined;
  const tells = attributes.of === "all" && await isSchemaOn(session, signal);
  return tells ? hiddenWaiters(processes, attributes, known) : WAITERS_HIDDEN;
}

const WAITERS_HIDDEN = "other users' sessions that wait are hidden from this user; grant it PROCESS";

/** The waiters that a list of processes without other users' lacks; those that only look are few, and soon gone. */
export function hiddenWaiters(
  { others, own }: Processes,
  { byConnection }: ShownAttributes,
  known: ReadonlySet<number>,
): string | undefined {
  const seen = new Set(others.map(({ id }) => id));
  const hidden = [...byConnection.keys()].filter((id) => !seen.has(id) && !known.has(id) && id !== own?.id);
  return hidden.length === 0 ? undefined : WAITERS_HIDDEN;
}
