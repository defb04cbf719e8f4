import { textFrom, wholeFrom } from "../../text/untrusted.ts";
import type { Session } from "../sql/session.ts";
import type { Row } from "../sql/row.ts";
import { sql } from "../sql/statement.ts";
import { askIfAllowed } from "../sql/ask_if_allowed.ts";

/** The longest statement to read in full, in bytes; sera's are shorter, including the mark at the end. */
const MAX_STATEMENT_SIZE = 2000;

/** How many characters of a longer statement to read: enough to see which lock it asks for. */
const BEGINNING = 128;

/** How many sessions one query reads: even the longest rows fit into `MAX_ANSWER_SIZE`. */
const READ_AT_ONCE = 300;

/** A session in the process list, which shows a user without PROCESS only its own sessions. */
export interface Process {
  readonly id: number;
  readonly user: string | undefined;
  readonly address: string | undefined;
  /** The statement, if it asks for a lock. */
  readonly asks: string | undefined;
  /** Whether it runs no statement, like a holder nearly the whole time. */
  readonly idle: boolean;
  /** Whether it is a client's connection, not a thread of the server itself. */
  readonly isClient: boolean;
}

/** The sessions that this user may see. */
export interface Processes {
  readonly others: readonly Process[];
  /** The session that read the list. */
  readonly own: Process | undefined;
}

/**
 * Reads the process list.
 *
 * @throws {LockUnavailableError} When the server does not answer.
 */
export async function readProcesses(session: Session, signal: AbortSignal): Promise<Processes> {
  const own = new Set<Process>();
  const all: Process[] = [];
  for (let last = 0;;) {
    const rows = await askIfAllowed(
      session,
      sql`SELECT ID AS id, USER AS user, HOST AS host, COMMAND = 'Sleep' AS idle,
          COMMAND <> 'Daemon' AND USER NOT IN ('system user', 'event_scheduler') AS client, ID = CONNECTION_ID() AS own,
          IF(INFO LIKE 'SELECT GET_LOCK(%',
            IF(LENGTH(INFO) <= ${MAX_STATEMENT_SIZE}, INFO, LEFT(INFO, ${BEGINNING})), NULL) AS asks
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
    // Without the port, which is of no use to a person.
    address: textFrom(row.host)?.replace(/:\d{1,5}$/, ""),
    asks: typeof row.asks === "string" ? row.asks : undefined,
    idle: String(row.idle) === "1",
    isClient: String(row.client) === "1",
  };
}
