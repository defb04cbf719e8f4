import type { TableName } from "../../ledger/table_name.ts";
import { postgresDialect } from "./ledger.ts";
import { wholeFrom } from "../../text/foreign.ts";
import { fnv1 } from "../../lock/namespaced_name.ts";
import type { Session } from "../sql/session.ts";
import type { Row } from "../sql/row.ts";
import { join, sql, type Statement } from "../sql/statement.ts";
import { askIfAllowed } from "../sql/ask_if_allowed.ts";
import { holderSighting, readSessionInfos, type SessionInfo, sessionInfoOf, waiterSighting } from "./session_info.ts";
import { keyOfName, keyOfRow, namespaceCondition, rowCondition } from "./key.ts";
import { IS_SEAT } from "./seats.ts";
import { namesTold, withNames } from "../../who/names.ts";
import { runningRuns, withRun } from "../sql/running_runs.ts";
import type { LockFilter, Seen, Sighting } from "../../who/sighting.ts";

/**
 * Who holds locks of sera's in a PostgreSQL database, and who waits for them.
 *
 * @throws {LockUnavailableError} When the server does not answer, or does not show any locks.
 */
export async function readPostgresSightings(
  session: Session,
  filter: LockFilter,
  table: TableName,
  signal: AbortSignal,
): Promise<Seen> {
  const isOne = filter !== "all" && "lock" in filter;
  const seraSessions = await readSeraSessions(session, filter, signal);
  const waiters = (seraSessions ?? []).filter(({ mark, asks }) => mark && asks && isOf(filter, mark.lock));
  // Locks are read last, so that a waiter that gets one meanwhile counts as its holder.
  const rows = await readLocks(session, conditionOf(filter, seraSessions ?? [], waiters), signal);
  const holding = new Set(rows.flatMap((row) => wholeFrom(row.session) ?? []));
  const pids = holding.size === 0 ? undefined : sql`pid IN (${listOf([...holding])})`;
  const theirs = pids && await readSessionInfos(session, pids, signal);
  const infos = new Map((theirs ?? []).map((info) => [info.who.session, info]));

  // The server keeps only half of a lock's name; the whole one is in the marks of sera's sessions.
  const told = new Map((seraSessions ?? []).flatMap(({ mark }) => mark ? [[keyOfName(mark.lock)!, mark]] : []));
  const onLocks = rows.flatMap((row) => {
    const key = keyOfRow(row);
    if (key === undefined) return [];
    const info = infos.get(wholeFrom(row.session)) ?? sessionInfoOf({ session: row.session });
    const lock = isOne ? filter.lock : nameOf(key, info.mark?.lock) ?? told.get(key)?.lock ?? key;
    return [row.granted === "t" ? holderSighting(lock, key, info) : waiterSighting(lock, info, info.asked)];
  });
  const waiting = waiters.filter(({ who }) => who.session === undefined || !holding.has(who.session))
    // A session serves one lock, so it has been waiting since it connected.
    .map((info) => waiterSighting(info.mark!.lock, info, info.connected));
  const recorded = await withRuns(session, table, [...onLocks, ...waiting], signal);
  const asked = filter !== "all" && "namespace" in filter ? filter.namespace : undefined;
  const sightings = recorded.map((sighting) => {
    const mark = told.get(keyOfName(sighting.lock) ?? sighting.lock);
    return withNames(mark ? { ...sighting, ...namesTold(mark) } : sighting, asked);
  });
  const { hiddenWaiters, whatIsHidden } = await import("./hidden.ts");
  if (!isOne) return { sightings, ...await whatIsHidden(session, asked, seraSessions, signal) };
  const all = await readSeraSessions(session, "all", signal);
  return { sightings, showsHolders: true, ...await hiddenWaiters(session, all, signal) };
}

/** Whether a lock is among those asked for. */
function isOf(filter: LockFilter, lock: string): boolean {
  if (filter === "all") return true;
  return "lock" in filter ? lock === filter.lock : lock.startsWith(`${fnv1(filter.namespace)},`);
}

/** The lock's name in its holder's mark, if that fits the lock's key: other programs may write any mark. */
function nameOf(key: string, told: string | undefined): string | undefined {
  return told !== undefined && keyOfName(told) === key ? told : undefined;
}

/** Reads sera's sessions, or those that name one lock; undefined where this role may not read pg_stat_activity. */
async function readSeraSessions(
  session: Session,
  filter: LockFilter,
  signal: AbortSignal,
): Promise<readonly SessionInfo[] | undefined> {
  const isSera = filter !== "all" && "lock" in filter
    ? sql`query LIKE ${`%"lock":"${filter.lock}"%`}`
    : sql`application_name LIKE 'sera %' OR query LIKE '%sera {%'`;
  return await readSessionInfos(
    session,
    sql`datname = current_database() AND pid <> pg_backend_pid() AND (${isSera})`,
    signal,
  );
}

/** The condition for the rows of `pg_locks` to read; undefined for none. */
function conditionOf(
  filter: LockFilter,
  seraSessions: readonly SessionInfo[],
  waiters: readonly SessionInfo[],
): Statement | undefined {
  if (filter !== "all") return "lock" in filter ? rowCondition(filter.lock) : namespaceCondition(filter.namespace);
  const pids = seraSessions.flatMap(({ who }) => who.session ?? []);
  // A shared one is the request of somebody who asks a holder for a lock.
  const theirs = sql`SELECT classid, objid, objsubid FROM pg_locks
    WHERE locktype = 'advisory' AND mode <> 'ShareLock' AND NOT ${IS_SEAT} AND pid IN (${listOf(pids)})`;
  const conditions = [
    ...pids.length > 0 ? [sql`(classid, objid, objsubid) IN (${theirs})`] : [],
    ...[...new Set(waiters.map(({ mark }) => mark!.lock))].map((lock) => rowCondition(lock)!),
  ];
  return conditions.length > 0 ? join(conditions, sql` OR `) : undefined;
}

/** Reads who holds locks, and who waits in the server's own queue, which only programs other than sera use. */
async function readLocks(
  session: Session,
  condition: Statement | undefined,
  signal: AbortSignal,
): Promise<readonly Row[]> {
  if (condition === undefined) return [];
  return await session.queryAll(
    sql`SELECT classid, objid, objsubid, granted, pid AS session FROM pg_locks
     WHERE locktype = 'advisory' AND pid IS DISTINCT FROM pg_backend_pid()
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND (${condition})`,
    { signal },
  );
}

/** Adds the ledger's runs. First asks whether its table exists, since an error would go to the server's log. */
async function withRuns(
  session: Session,
  table: TableName,
  sightings: readonly Sighting[],
  signal: AbortSignal,
): Promise<readonly Sighting[]> {
  const holders = sightings.flatMap(({ state, session }) => state === "held" && session ? [session] : []);
  if (holders.length === 0) return sightings;
  const dialect = postgresDialect(table);
  const [ledger] = await askIfAllowed(
    session,
    sql`SELECT has_table_privilege(to_regclass('${dialect.table}')::oid, 'SELECT') AS readable`,
    signal,
  );
  if (ledger?.readable !== "t") return sightings;
  const runs = await runningRuns(session, dialect, sql`session_id IN (${listOf(holders)})`, signal);
  return sightings.map((sighting) => sighting.state === "held" ? withRun(sighting, runs, keyOfName) : sighting);
}

function listOf(numbers: readonly number[]): Statement {
  return join(numbers.map((number) => sql`${number}`));
}
