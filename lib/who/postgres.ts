import type { TableName } from "../config/ledger_settings.ts";
import { postgresDialect } from "../ledger/postgres.ts";
import { wholeFrom } from "../foreign.ts";
import type { Row, Session } from "../lock/session.ts";
import { join, sql, type Statement } from "../sql/statement.ts";
import { askIfAllowed, askOrRefused } from "./ask.ts";
import { holderOf, type Identity, IDENTITY_COLUMNS, identityOf, waiterOf } from "./postgres_identity.ts";
import { keyOfName, keyOfRow, rowCondition } from "./postgres_key.ts";
import { runningRuns, withRun } from "./runs.ts";
import type { Sighting, Whose } from "./sighting.ts";

/**
 * Who has locks of sera's in a database of PostgreSQL, and who waits for them.
 *
 * @throws {LockUnavailableError} When the server does not answer, or does not show any locks.
 */
export async function lookOnPostgres(
  session: Session,
  whose: Whose,
  table: TableName,
  signal: AbortSignal,
): Promise<readonly Sighting[]> {
  const seras = await readSeras(session, whose, signal);
  const waiters = seras.filter(({ mark, asks }) => mark && asks && (whose === "all" || mark.lock === whose.lock));
  // The locks last: who has got one meanwhile does not wait any more.
  const rows = await readLocks(session, conditionOf(whose, seras, waiters), signal);

  // The server keeps only half of a name, so that it takes somebody to tell it.
  const names = new Map(seras.flatMap(({ mark }) => mark ? [[keyOfName(mark.lock)!, mark.lock]] : []));
  const onLocks = rows.flatMap((row) => {
    const key = keyOfRow(row);
    if (key === undefined) return [];
    const identity = identityOf(row);
    const lock = whose === "all" ? nameOf(key, identity.mark?.lock) ?? names.get(key) ?? key : whose.lock;
    return [row.granted === "t" ? holderOf(lock, key, identity) : waiterOf(lock, identity, identity.asked)];
  });
  const holding = new Set(rows.map((row) => wholeFrom(row.session)));
  const waiting = waiters.filter(({ who }) => !holding.has(who.session))
    // A session is opened for one lock, and waits for it from then on.
    .map((identity) => waiterOf(identity.mark!.lock, identity, identity.connected));
  return await withRuns(session, table, [...onLocks, ...waiting], signal);
}

/** The name that who holds a lock gives it, if that is its name: others may call it what they like. */
function nameOf(key: string, told: string | undefined): string | undefined {
  return told !== undefined && keyOfName(told) === key ? told : undefined;
}

/** The sessions of sera's; for one lock those that name it. */
async function readSeras(session: Session, whose: Whose, signal: AbortSignal): Promise<readonly Identity[]> {
  const isSera = whose === "all"
    ? sql`application_name LIKE 'sera %' OR query LIKE '%sera {%'`
    : sql`query LIKE ${`%"lock":"${whose.lock}"%`}`;
  const rows = await askIfAllowed(
    session,
    sql`SELECT ${IDENTITY_COLUMNS} FROM pg_stat_activity AS session
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND (${isSera})`,
    signal,
  );
  return rows.map(identityOf);
}

/** Which locks to ask for; undefined for none. */
function conditionOf(whose: Whose, seras: readonly Identity[], waiters: readonly Identity[]): Statement | undefined {
  if (whose !== "all") return rowCondition(whose.lock);
  const pids = seras.flatMap(({ who }) => who.session === undefined ? [] : [who.session]);
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
  const select = (columns: Statement, from: Statement) =>
    sql`SELECT classid, objid, objsubid, granted, ${columns} FROM pg_locks AS locks ${from}
     WHERE locktype = 'advisory' AND locks.pid IS DISTINCT FROM pg_backend_pid()
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND (${condition})`;
  const sessions = sql`LEFT JOIN pg_stat_activity AS session ON session.pid = locks.pid`;
  return await askOrRefused(session, select(IDENTITY_COLUMNS, sessions), signal) ??
    // Without the view of sessions.
    await session.queryAll(select(sql`locks.pid AS session`, sql``), { signal });
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
  return sightings.map((sighting) => sighting.state === "held" ? withRun(sighting, runs) : sighting);
}

function listOf(numbers: readonly number[]): Statement {
  return join(numbers.map((number) => sql`${number}`));
}
