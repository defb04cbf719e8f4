import type { TableName } from "../../ledger/table_name.ts";
import { postgresDialect } from "./ledger.ts";
import { fnv1 } from "../../lock/namespaced_name.ts";
import type { Session } from "../sql/session.ts";
import type { Row } from "../sql/row.ts";
import { join, sql, type Statement } from "../sql/statement.ts";
import { askIfAllowed } from "../sql/ask_if_allowed.ts";
import { holderSighting, readSessionInfos, type SessionInfo, sessionInfoOf, waiterSighting } from "./session_info.ts";
import type { Presence } from "../../lock/presence.ts";
import { slotIn } from "../../lock/slot_name.ts";
import { isSlotOf } from "./advisory_key.ts";
import { keyOfName, namespaceCondition, rowCondition } from "./key.ts";
import { IS_AUXILIARY, LOCK_COLUMNS, OF_SLOT_HOLDERS, readLockRows } from "./lock_rows.ts";
import { isMarkerOf } from "./slot_markers.ts";
import { reportedNames, withNames } from "../../who/names.ts";
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
  const waiters = (seraSessions ?? []).filter((info) => info.mark && info.asks && isOf(filter, waitedFor(info)));
  // Locks are read last, so that a waiter that gets one meanwhile counts as its holder.
  const rows = readLockRows(await readLocks(session, conditionOf(filter, seraSessions ?? [], waiters), signal))
    .filter(({ key }) => filter === "all" || (isOne ? key === keyOfName(filter.lock) : isOf(filter, key)));
  const holding = new Set(rows.flatMap(({ session }) => session ?? []));
  const pids = holding.size === 0 ? undefined : sql`pid IN (${listOf([...holding])})`;
  const theirs = pids && await readSessionInfos(session, pids, signal);
  const infos = new Map((theirs ?? []).map((info) => [info.who.session, info]));

  // The server keeps only half of a lock's name; the full name is in the marks of sera's sessions.
  const told = new Map((seraSessions ?? []).flatMap(({ mark }) => mark ? locksIn(mark) : []));
  const onLocks = rows.map(({ key, slot, slots, session, granted }) => {
    const info = infos.get(session) ?? sessionInfoOf({ session });
    const own = info.mark && new Map(locksIn(info.mark)).get(key);
    const lock = isOne ? filter.lock : own?.lock ?? told.get(key)?.lock ?? key;
    const sighting = granted ? holderSighting(lock, own, info) : waiterSighting(lock, info, info.asked);
    return slot === undefined ? sighting : { ...sighting, slot, slots };
  });
  const waiting = waiters
    .filter((info) =>
      !rows.some(({ session, key }) => session === info.who.session && key === keyOfName(waitedFor(info)))
    )
    // A session serves one lock, or several together, so it has been waiting since it connected.
    .map((info) => ({ ...waiterSighting(waitedFor(info), info, info.connected), slots: info.mark!.slots }));
  const recorded = await withRuns(session, table, [...onLocks, ...waiting], signal);
  const asked = filter !== "all" && "namespace" in filter ? filter.namespace : undefined;
  const sightings = recorded.map((sighting) => {
    const mark = told.get(keyOfName(sighting.lock) ?? sighting.lock);
    return withNames(mark ? { ...sighting, ...reportedNames(mark) } : sighting, asked);
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

/** The name of the lock that a session with a mark waits for. */
function waitedFor({ mark }: SessionInfo): string {
  return slotIn(mark!.lock).lock;
}

/** The locks that a session's mark names, by what the server shows of each. */
function locksIn(mark: Presence): (readonly [key: string, mark: Presence])[] {
  return [slotIn(mark.lock).lock, ...mark.also ?? []].map((lock) => [keyOfName(lock)!, { ...mark, lock }] as const);
}

/** Reads sera's sessions, or those that name one lock; undefined where this role may not read pg_stat_activity. */
async function readSeraSessions(
  session: Session,
  filter: LockFilter,
  signal: AbortSignal,
): Promise<readonly SessionInfo[] | undefined> {
  const isSera = filter !== "all" && "lock" in filter
    ? sql`query LIKE ${`%"${filter.lock}%`}`
    : sql`application_name LIKE 'sera %' OR query LIKE '%sera {%'`;
  return await readSessionInfos(
    session,
    sql`datname = current_database() AND pid <> pg_backend_pid() AND (${isSera})`,
    signal,
  );
}

/** The condition for the rows of `pg_locks` to read, including the markers of slots. */
function conditionOf(
  filter: LockFilter,
  seraSessions: readonly SessionInfo[],
  waiters: readonly SessionInfo[],
): Statement {
  if (filter !== "all") {
    return "lock" in filter
      ? sql`${isSlotOf(filter.lock)} OR ${isMarkerOf(filter.lock)}`
      : sql`${namespaceCondition(filter.namespace)} OR ${OF_SLOT_HOLDERS}`;
  }
  const pids = seraSessions.flatMap(({ who }) => who.session ?? []);
  // A shared one asks a holder to release.
  const theirs = sql`SELECT classid, objid, objsubid FROM pg_locks
    WHERE locktype = 'advisory' AND mode <> 'ShareLock' AND NOT ${IS_AUXILIARY} AND pid IN (${listOf(pids)})`;
  const conditions = [
    OF_SLOT_HOLDERS,
    ...pids.length > 0 ? [sql`(classid, objid, objsubid) IN (${theirs})`] : [],
    ...[...new Set(waiters.map(waitedFor))].map((lock) => rowCondition(lock)!),
  ];
  return join(conditions, sql` OR `);
}

/** Reads who holds locks, and who waits in the server's own queue, which only programs other than sera use. */
async function readLocks(
  session: Session,
  condition: Statement,
  signal: AbortSignal,
): Promise<readonly Row[]> {
  return await session.queryAll(
    sql`SELECT ${LOCK_COLUMNS} FROM pg_locks
     WHERE locktype = 'advisory' AND pid IS DISTINCT FROM pg_backend_pid()
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND (${condition})`,
    { signal },
  );
}

/** Adds the ledger's runs. First checks whether its table exists, since an error would go to the server's log. */
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
