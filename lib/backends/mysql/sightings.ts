import type { TableName } from "../../ledger/table_name.ts";
import { mySqlDialect } from "./ledger.ts";
import { wholeFrom } from "../../text/foreign.ts";
import { isLockName } from "../../lock/lock_name.ts";
import { readMark } from "../sql/mark.ts";
import type { Session } from "../sql/session.ts";
import { identifier, join, sql, word } from "../sql/statement.ts";
import { readAttributes, type ShownAttributes } from "./attributes.ts";
import { type Process, readProcesses } from "./processes.ts";
import { runningRuns, withRun } from "../sql/running_runs.ts";
import type { LockFilter, Seen, Sighting } from "../../who/sighting.ts";

/** The start of a statement that waits for a lock, whichever program sent it. */
const WAITS = /^SELECT GET_LOCK\('([0-9a-f]{32})',/i;

/** How many locks one query asks about. */
const AT_ONCE = 100;

/**
 * Who holds locks of sera's on a MySQL or MariaDB server, and who waits for them.
 *
 * @param known Locks to ask about besides those that the server or the ledger names.
 * @throws {LockUnavailableError} When the server does not answer.
 */
export async function readMySqlSightings(
  session: Session,
  filter: LockFilter,
  table: TableName,
  signal: AbortSignal,
  known: readonly string[] = [],
): Promise<Seen> {
  const isAll = filter === "all" || !("lock" in filter);
  // Holders are read last, so that a waiter that gets the lock meanwhile counts as its holder.
  const processes = await readProcesses(session, signal);
  const attributes = await readAttributes(session, signal);
  const dialect = mySqlDialect(table);
  const condition = isAll ? sql`TRUE` : sql`lock_name = ${filter.lock}`;
  const runs = await runningRuns(session, dialect, condition, signal);
  const all = isAll ? await import("./all_sightings.ts") : undefined;
  const listed = await all?.listedLocks(session, signal);
  const named = isAll
    ? [
      ...processes.others.map(({ asks }) => waitsFor(asks)),
      ...[...attributes.byConnection.values()].map(({ lock }) => lock),
      ...runs.map(({ lock }) => lock),
      ...listed ?? [],
      ...known,
    ]
    : [filter.lock];
  const locks = new Set(named.flatMap((name) => name !== undefined && isLockName(name) ? [name] : []));
  const holders = await askHolders(session, [...locks], signal);

  const byId = new Map(processes.others.map((process) => [process.id, process]));
  const held = [...holders].map(([lock, id]) => withRun(describe(lock, "held", id, byId, attributes), runs));
  const waiting = processes.others.flatMap(({ id, asks }) => {
    const lock = waitsFor(asks);
    if (lock === undefined || !locks.has(lock) || holders.get(lock) === id) return [];
    const { host, pid, label, connected } = readMark(asks!) ?? {};
    const seen = describe(lock, "waiting", id, byId, attributes);
    if (host === undefined) return [seen];
    const since = seen.since ?? connected;
    return [{ ...seen, host, pid, label, since, sinceIs: since === undefined ? undefined : "waiting" as const }];
  });
  const sightings = [...held, ...waiting];
  const shown = new Set(sightings.flatMap(({ session }) => session ?? []));
  if (!all) {
    const { hiddenWaitersOfOne } = await import("./all_sightings.ts");
    const hidden = await hiddenWaitersOfOne(session, processes, attributes, shown, signal);
    return { sightings, hidden, showsHolders: true, strangers: [] };
  }
  if (listed) return { sightings, hidden: all.hiddenWaiters(processes, attributes, shown), strangers: [] };
  return { sightings, ...await all.whatIsHidden(session, processes, attributes, shown, signal) };
}

function waitsFor(statement: string | undefined): string | undefined {
  return statement === undefined ? undefined : WAITS.exec(statement)?.[1]?.toLowerCase();
}

/** The ids of the sessions that hold these locks, by lock. */
async function askHolders(
  session: Session,
  locks: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const holders = new Map<string, number>();
  for (let first = 0; first < locks.length; first += AT_ONCE) {
    const some = locks.slice(first, first + AT_ONCE);
    const row = await session.query(
      sql`SELECT ${join(some.map((name) => sql`IS_USED_LOCK(${word(name)}) AS ${identifier(`lock_${name}`)}`))}`,
      { signal },
    );
    for (const name of some) {
      const id = wholeFrom(row[`lock_${name}`]);
      if (id !== undefined) holders.set(name, id);
    }
  }
  return holders;
}

function describe(
  lock: string,
  state: Sighting["state"],
  id: number,
  processes: ReadonlyMap<number, Process>,
  { byConnection }: ShownAttributes,
): Sighting {
  const { user, address } = processes.get(id) ?? {};
  const { host, pid, label, connected } = byConnection.get(id) ?? {};
  return {
    lock,
    state,
    host,
    pid,
    label,
    since: connected,
    sinceIs: connected === undefined ? undefined : state === "held" ? "connected" : "waiting",
    user,
    address,
    session: id,
  };
}
