import type { TableName } from "../../ledger/table_name.ts";
import { mySqlDialect } from "./ledger.ts";
import { isLockName } from "../../lock/lock_name.ts";
import { slotIn } from "../../lock/slot_name.ts";
import { readMark } from "../sql/mark.ts";
import { join, sql } from "../sql/statement.ts";
import { readAttributes, type ShownAttributes } from "./attributes.ts";
import { type Process, readProcesses } from "./processes.ts";
import { readHeads, readHolders } from "./holders.ts";
import type { MySqlSession } from "./session.ts";
import type { SlotHolder } from "./slot_holders.ts";
import { runningRuns, withRun } from "../sql/running_runs.ts";
import { isOfLock } from "../sql/slots.ts";
import type { LockFilter, Seen, Sighting } from "../../who/sighting.ts";

/** Matches the start of a statement that waits for a lock or in the queue for its slots, whichever program sent it. */
const WAITS = /^SELECT GET_LOCK\('([0-9a-f]{32})(?:\.q)?',/i;

/**
 * Reads who holds and waits for sera's locks on a MySQL or MariaDB server.
 *
 * @param known Locks to ask about besides those that the filter, the server or the ledger names.
 * @throws {LockUnavailableError} When the server does not answer.
 */
export async function readMySqlSightings(
  session: MySqlSession,
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
  const condition = isAll ? sql`TRUE` : join([filter.lock, ...known].map(isOfLock), sql` OR `);
  const runs = await runningRuns(session, dialect, condition, signal);
  const all = isAll ? await import("./all_sightings.ts") : undefined;
  const listed = await all?.listedLocks(session, signal);
  const named = isAll
    ? [
      ...processes.others.flatMap(({ asks }) => waitsFor(asks)),
      ...[...attributes.byConnection.values()].flatMap(({ lock, also }) => [lock, ...also]),
      ...runs.map(({ lock }) => slotIn(lock).lock),
      ...listed ?? [],
      ...known,
    ]
    : [filter.lock, ...known];
  const locks = new Set(named.flatMap((name) => name !== undefined && isLockName(name) ? [name] : []));
  const heads = await readHeads(session, [...locks], signal);
  const holders = await readHolders(session, [...locks], signal);

  const byId = new Map(processes.others.map((process) => [process.id, process]));
  const held = holders.map((holder) => withRun(describe(holder, "held", byId, attributes), runs));
  const isHeldBy = (lock: string, id: number) => holders.some((holder) => holder.lock === lock && holder.id === id);
  const waiting = processes.others.flatMap(({ id, asks }) =>
    [...new Set(waitsFor(asks))].filter((lock) => locks.has(lock) && !isHeldBy(lock, id)).map((lock) => {
      const { host, pid, label, connected, slots } = readMark(asks!) ?? {};
      const seen = describe({ lock, id, slots }, "waiting", byId, attributes);
      if (host === undefined) return seen;
      const since = seen.since ?? connected;
      return { ...seen, host, pid, label, since, sinceIs: since === undefined ? undefined : "waiting" as const };
    })
  );
  // Between two attempts, the head of the queue runs no statement.
  const trying = heads.filter(({ lock, id }) => !isHeldBy(lock, id) && !waiting.some((seen) => seen.session === id))
    .map((head) => describe(head, "waiting", byId, attributes));
  const sightings = [...held, ...trying, ...waiting];
  const nameless = held.some(({ host }) => host === undefined)
    ? await (await import("./all_sightings.ts")).whyNameless(session, attributes, signal)
    : undefined;
  const shown = new Set(sightings.flatMap(({ session }) => session ?? []));
  if (!all) {
    const { hiddenWaitersOfOne } = await import("./all_sightings.ts");
    const hidden = await hiddenWaitersOfOne(session, processes, attributes, shown, signal);
    return { sightings, hidden, nameless, showsHolders: true, otherSessions: [] };
  }
  if (listed) {
    return { sightings, hidden: all.hiddenWaiters(processes, attributes, shown), nameless, otherSessions: [] };
  }
  return { sightings, nameless, ...await all.whatIsHidden(session, processes, attributes, shown, signal) };
}

/** The locks that a statement waits for: the one that it names, and the one that its session is meant for. */
function waitsFor(statement: string | undefined): readonly string[] {
  const lock = statement === undefined ? undefined : WAITS.exec(statement)?.[1]?.toLowerCase();
  return lock === undefined ? [] : [lock, readMark(statement!)?.lock ?? lock];
}

function describe(
  holder: Partial<SlotHolder> & Pick<SlotHolder, "lock" | "id">,
  state: Sighting["state"],
  processes: ReadonlyMap<number, Process>,
  { byConnection }: ShownAttributes,
): Sighting {
  const { lock, id, slot } = holder;
  const { user, address } = processes.get(id) ?? {};
  const shown = byConnection.get(id);
  const { host, pid, label, connected } = shown ?? {};
  // A holder's mark is proof; for waiters the server only shows what they say themselves.
  const slots = holder.slots ?? (state === "waiting" && shown?.lock === lock ? shown.slots : undefined);
  return {
    lock,
    state,
    slot: slot === 0 && slots === undefined ? undefined : slot,
    slots,
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
