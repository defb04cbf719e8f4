import type { TableName } from "../../ledger/table_name.ts";
import { postgresDialect } from "./ledger.ts";
import { wholeFrom } from "../../text/foreign.ts";
import { fnv1 } from "../../lock/namespaced_name.ts";
import type { Row, Session } from "../sql/session.ts";
import { join, sql, type Statement } from "../sql/statement.ts";
import { askIfAllowed } from "../sql/ask_if_allowed.ts";
import { holderOf, type Identity, identityOf, readIdentities, waiterOf } from "./identity.ts";
import { keyOfName, keyOfRow, namespaceCondition, rowCondition } from "./key.ts";
import { namesTold, withNames } from "../../who/names.ts";
import { runningRuns, withRun } from "../sql/running_runs.ts";
import type { LockFilter, Seen, Sighting } from "../../who/sighting.ts";

/**
 * Who has locks of sera's in a database of PostgreSQL, and who waits for them.
 *
 * @throws {LockUnavailableError} When the server does not answer, or does not show any locks.
 */
export async function lookOnPostgres(
  session: Session,
  filter: LockFilter,
  table: TableName,
  signal: AbortSignal,
): Promise<Seen> {
  const isOne = filter !== "all" && "lock" in filter;
  const seras = await readSeras(session, filter, signal);
  const waiters = (seras ?? []).filter(({ mark, asks }) => mark && asks && isOf(filter, mark.lock));
  // The locks last: who has got one meanwhile does not wait any more.
  const rows = await readLocks(session, conditionOf(filter, seras ?? [], waiters), signal);
  const holding = new Set(rows.flatMap((row) => wholeFrom(row.session) ?? []));
  const pids = holding.size === 0 ? undefined : sql`pid IN (${listOf([...holding])})`;
  const theirs = pids && await readIdentities(session, pids, signal);
  const identities = new Map((theirs ?? []).map((identity) => [identity.who.session, identity]));

  // The server keeps only half of a name, so that it takes somebody to tell it.
  const told = new Map((seras ?? []).flatMap(({ mark }) => mark ? [[keyOfName(mark.lock)!, mark]] : []));
  const onLocks = rows.flatMap((row) => {
    const key = keyOfRow(row);
    if (key === undefined) return [];
    const identity = identities.get(wholeFrom(row.session)) ?? identityOf({ session: row.session });
    const lock = isOne ? filter.lock : nameOf(key, identity.mark?.lock) ?? told.get(key)?.lock ?? key;
    return [row.granted === "t" ? holderOf(lock, key, identity) : waiterOf(lock, identity, identity.asked)];
  });
  const waiting = waiters.filter(({ who }) => who.session === undefined || !holding.has(who.session))
    // A session is opened for one lock, and waits for it from then on.
    .map((identity) => waiterOf(identity.mark!.lock, identity, identity.connected));
  const recorded = await withRuns(session, table, [...onLocks, ...waiting], signal);
  const asked = filter !== "all" && "namespace" in filter ? filter.namespace : undefined;
  const sightings = recorded.map((sighting) => {
    const mark = told.get(keyOfName(sighting.lock) ?? sighting.lock);
    return withNames(mark ? { ...sighting, ...namesTold(mark) } : sighting, asked);
  });
  const { hiddenWaiters, whatIsHidden } = await import("./hidden.ts");
  if (!isOne) return { sightings, ...await whatIsHidden(session, asked, seras, signal) };
  const all = await readSeras(session, "all", signal);
  return { sightings, showsHolders: true, ...await hiddenWaiters(session, all, signal) };
}

/** Whether a lock is one of those that are asked for. */
function isOf(filter: LockFilter, lock: string): boolean {
  if (filter === "all") return true;
  return "lock" in filter ? lock === filter.lock : lock.startsWith(`${fnv1(filter.namespace)},`);
}

/** The name that who holds a lock gives it, if that is its name: others may call it what they like. */
function nameOf(key: string, told: string | undefined): string | undefined {
  return told !== undefined && keyOfName(told) === key ? told : undefined;
}

/** The sessions of sera's; for one lock those that name it. Undefined where the view of sessions is refused. */
async function readSeras(
  session: Session,
  filter: LockFilter,
  signal: AbortSignal,
): Promise<readonly Identity[] | undefined> {
  const isSera = filter !== "all" && "lock" in filter
    ? sql`query LIKE ${`%"lock":"${filter.lock}"%`}`
    : sql`application_name LIKE 'sera %' OR query LIKE '%sera {%'`;
  return await readIdentities(
    session,
    sql`datname = current_database() AND pid <> pg_backend_pid() AND (${isSera})`,
    signal,
  );
}

/** Which locks to ask for; undefined for none. */
function conditionOf(
  filter: LockFilter,
  seras: readonly Identity[],
  waiters: readonly Identity[],
): Statement | undefined {
  if (filter !== "all") return "lock" in filter ? rowCondition(filter.lock) : namespaceCondition(filter.namespace);
  const pids = seras.flatMap(({ who }) => who.session ?? []);
  const theirs = sql`SELECT classid, objid, objsubid FROM pg_locks
    WHERE locktype = 'advisory' AND pid IN (${listOf(pids)})`;
  const conditions = [
    ...pids.length > 0 ? [sql`(classid, objid, objsubid) IN (${theirs})`] : [],
    ...[...new Set(waiters.map(({ mark }) => mark!.lock))].map((lock) => rowCondition(lock)!),
  ];
  return conditions.length > 0 ? join(conditions, sql` OR `) : undefined;
}

/** Who holds locks or waits in the server's own queue, as programs other than sera do. */
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

/** Adds what the ledger tells, if there is one; a table that is missing would be an error in the server's log. */
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
