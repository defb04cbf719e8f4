import type { TableName } from "../config/ledger_settings.ts";
import { mySqlDialect } from "../ledger/mysql.ts";
import { textFrom, wholeFrom } from "../foreign.ts";
import { isLockName } from "../lock/lock_name.ts";
import { readMark } from "../lock/presence.ts";
import type { Session } from "../lock/session.ts";
import { identifier, join, sql, word } from "../sql/statement.ts";
import { askIfAllowed } from "./ask.ts";
import { readAttributes, type ShownAttributes } from "./mysql_attributes.ts";
import { runningRuns, withRun } from "./runs.ts";
import type { Sighting, Whose } from "./sighting.ts";

/** How a statement that waits begins, sera's or another program's. */
const WAITS = /^SELECT GET_LOCK\('([0-9a-f]{32})',/i;

/** The longest statement in which a mark is looked for, in characters: sera's own are shorter, others as long as can be. */
const LONGEST_STATEMENT = 8192;

/** How many locks are asked for in one statement. */
const AT_ONCE = 100;

/** A session as the list of processes shows it: those of the same user, or all, as far as the user may see them. */
interface Process {
  readonly id: number;
  readonly user: string | undefined;
  readonly address: string | undefined;
  /** The statement, if it asks for a lock. */
  readonly asks: string | undefined;
}

/**
 * Who has locks of sera's on a MySQL or MariaDB server, and who waits for them.
 *
 * @throws {LockUnavailableError} When the server does not answer.
 */
export async function lookOnMySql(
  session: Session,
  whose: Whose,
  table: TableName,
  signal: AbortSignal,
): Promise<readonly Sighting[]> {
  // The holders last: who has got the lock meanwhile does not wait any more.
  const processes = await readProcesses(session, signal);
  const attributes = await readAttributes(session, signal);
  const dialect = mySqlDialect(table);
  const condition = whose === "all" ? sql`TRUE` : sql`lock_name = ${whose.lock}`;
  const runs = await runningRuns(session, dialect, condition, signal);
  const named = whose === "all"
    ? [
      ...processes.map(({ asks }) => waitsFor(asks)),
      ...[...attributes.byConnection.values()].map(({ lock }) => lock),
      ...runs.map(({ lock }) => lock),
    ]
    : [whose.lock];
  const locks = new Set(named.flatMap((name) => name !== undefined && isLockName(name) ? [name] : []));
  const holders = await askHolders(session, [...locks], signal);

  const byId = new Map(processes.map((process) => [process.id, process]));
  const held = [...holders].map(([lock, id]) => withRun(describe(lock, "held", id, byId, attributes), runs));
  const waiting = processes.flatMap(({ id, asks }) => {
    const lock = waitsFor(asks);
    if (lock === undefined || !locks.has(lock) || holders.get(lock) === id) return [];
    const { host, pid, label } = readMark(asks!) ?? {};
    const seen = describe(lock, "waiting", id, byId, attributes);
    return [host === undefined ? seen : { ...seen, host, pid, label }];
  });
  return [...held, ...waiting];
}

function waitsFor(statement: string | undefined): string | undefined {
  return statement === undefined ? undefined : WAITS.exec(statement)?.[1]?.toLowerCase();
}

async function readProcesses(session: Session, signal: AbortSignal): Promise<readonly Process[]> {
  const rows = await askIfAllowed(
    session,
    sql`SELECT ID AS id, USER AS user, HOST AS host, IF(INFO LIKE 'SELECT GET_LOCK(%',
        IF(CHAR_LENGTH(INFO) <= ${LONGEST_STATEMENT}, INFO, LEFT(INFO, 128)), NULL) AS asks
      FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID()`,
    signal,
  );
  return rows.flatMap((row) => {
    const id = wholeFrom(row.id);
    if (id === undefined) return [];
    // The port says nothing to anybody.
    const address = textFrom(row.host)?.replace(/:\d{1,5}$/, "");
    return [{ id, user: textFrom(row.user), address, asks: typeof row.asks === "string" ? row.asks : undefined }];
  });
}

/** The sessions that hold these locks, by lock. */
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
