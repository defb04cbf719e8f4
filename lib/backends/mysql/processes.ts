import { textFrom, wholeFrom } from "../../text/foreign.ts";
import type { Row, Session } from "../sql/session.ts";
import { sql } from "../sql/statement.ts";
import { askIfAllowed } from "../sql/ask_if_allowed.ts";

/** The longest statement in which a mark is looked for, in bytes: sera's own are shorter, others as long as can be. */
const LONGEST_STATEMENT = 1500;

/** How much of a longer one is read: enough to see which lock it asks for. */
const BEGINNING = 128;

/** How many sessions are read at a time: the longest rows of so many fit into the longest answer that is taken. */
const READ_AT_ONCE = 400;

/** A session as the list of processes shows it: those of the same user, or all, as far as the user may see them. */
export interface Process {
  readonly id: number;
  readonly user: string | undefined;
  readonly address: string | undefined;
  /** The statement, if it asks for a lock. */
  readonly asks: string | undefined;
  /** Whether it runs no statement, as one that holds a lock does nearly all the time. */
  readonly idle: boolean;
  /** Whether it is a connection, and no thread of the server's own. */
  readonly isClient: boolean;
}

/** The sessions that this user may see, and apart from them the one that asks. */
export interface Processes {
  readonly others: readonly Process[];
  readonly own: Process | undefined;
}

/** Reads the list of processes. */
export async function readProcesses(session: Session, signal: AbortSignal): Promise<Processes> {
  const own = new Set<Process>();
  const all: Process[] = [];
  for (let last = 0;;) {
    const rows = await askIfAllowed(
      session,
      sql`SELECT ID AS id, USER AS user, HOST AS host, COMMAND = 'Sleep' AS idle,
          COMMAND <> 'Daemon' AND USER NOT IN ('system user', 'event_scheduler') AS client, ID = CONNECTION_ID() AS own,
          IF(INFO LIKE 'SELECT GET_LOCK(%',
            IF(LENGTH(INFO) <= ${LONGEST_STATEMENT}, INFO, LEFT(INFO, ${BEGINNING})), NULL) AS asks
        FROM information_schema.PROCESSLIST WHERE ID > ${last} ORDER BY ID LIMIT ${READ_AT_ONCE}`,
      signal,
    );
    for (const row of rows) {
      const process = processOf(row);
      if (!process) continue;
      all.push(process);
      if (String(row.own) === "1") own.add(process);
    }
    const next = all.at(-1)?.id ?? last;
    if (rows.length < READ_AT_ONCE || next <= last) break;
    last = next;
  }
  return { others: all.filter((process) => !own.has(process)), own: [...own][0] };
}

function processOf(row: Row): Process | undefined {
  const id = wholeFrom(row.id);
  if (id === undefined) return undefined;
  return {
    id,
    user: textFrom(row.user),
    // The port says nothing to anybody.
    address: textFrom(row.host)?.replace(/:\d{1,5}$/, ""),
    asks: typeof row.asks === "string" ? row.asks : undefined,
    idle: String(row.idle) === "1",
    isClient: String(row.client) === "1",
  };
}
