import { LONGEST_TEXT, pidFrom, textFrom, timeFrom, wholeFrom } from "../../text/foreign.ts";
import { readMark } from "../sql/mark.ts";
import type { Presence } from "../../lock/presence.ts";
import type { Row, Session } from "../sql/session.ts";
import { fromHex } from "../sql/hex.ts";
import { inMilliseconds, textInHex } from "./sql.ts";
import { sql, type Statement } from "../sql/statement.ts";
import { askOrRefused } from "../sql/ask_if_allowed.ts";
import { keyOfName } from "./key.ts";
import type { Sighting } from "../../who/sighting.ts";

/** The longest statement in which a mark is looked for, in bytes: sera's own are shorter, others as long as can be. */
const LONGEST_QUERY = 1500;

/** How many sessions are read at a time: the longest rows of so many fit into the longest answer that is taken. */
const READ_AT_ONCE = 150;

/** The statement, or how it begins. */
const QUERY =
  sql`CASE WHEN octet_length(session.query) <= ${LONGEST_QUERY} THEN session.query ELSE left(session.query, 64) END`;

/** What is asked of a session, a row of `pg_stat_activity`, which hides most of it of other users' sessions. */
const IDENTITY_COLUMNS = sql`session.pid AS session, host(session.client_addr) AS address,
  ${textInHex(sql`session.usename::text`, LONGEST_TEXT)} AS user_name,
  ${textInHex(sql`session.application_name`, LONGEST_TEXT)} AS application_name,
  ${textInHex(QUERY, LONGEST_QUERY)} AS query,
  ${inMilliseconds(sql`session.backend_start`)} AS connected,
  ${inMilliseconds(sql`session.query_start`)} AS asked`;

/** How the statement begins that asks for a lock. */
const ASKS = "SELECT pg_try_advisory_lock(";

/** What the server shows in its place to those who may not see it. */
const HIDDEN = "<insufficient privilege>";

/** What a session tells of itself. */
export interface Identity {
  readonly who: Pick<Sighting, "host" | "pid" | "label" | "user" | "address" | "session">;
  /** Whose the last statement was, if it was sera's and is not hidden. */
  readonly mark: Presence | undefined;
  /** Whether the last statement asked for the lock: then sera waits, or has got it just now. */
  readonly asks: boolean;
  /** Whether the server hides what it does. */
  readonly isHidden: boolean;
  /** When it connected and when its last statement began, in milliseconds since 1970; undefined where hidden. */
  readonly connected: number | undefined;
  readonly asked: number | undefined;
}

/**
 * Reads what the server shows of sessions.
 *
 * @param condition Which of them, over the columns of `pg_stat_activity`.
 * @returns Undefined where that view is refused.
 */
export async function readIdentities(
  session: Session,
  condition: Statement,
  signal: AbortSignal,
): Promise<readonly Identity[] | undefined> {
  const all: Identity[] = [];
  for (let last = 0;;) {
    const rows = await askOrRefused(
      session,
      sql`SELECT ${IDENTITY_COLUMNS} FROM pg_stat_activity AS session
        WHERE pid > ${last} AND (${condition}) ORDER BY pid LIMIT ${READ_AT_ONCE}`,
      signal,
    );
    if (!rows) return undefined;
    all.push(...rows.map(identityOf));
    const next = all.at(-1)?.who.session ?? last;
    if (rows.length < READ_AT_ONCE || next <= last) return all;
    last = next;
  }
}

/** Reads a row of {@linkcode IDENTITY_COLUMNS}. */
export function identityOf(row: Row): Identity {
  const query = fromHex(row.query) ?? "";
  const name = textFrom(fromHex(row.application_name)) || undefined;
  const mark = readMark(query);
  const { host, pid, label } = mark ?? fromApplicationName(name) ?? { label: name };
  return {
    who: {
      host,
      pid,
      label,
      user: textFrom(fromHex(row.user_name)),
      address: textFrom(row.address),
      session: wholeFrom(row.session),
    },
    mark: mark && keyOfName(mark.lock) !== undefined ? mark : undefined,
    asks: query.startsWith(ASKS),
    isHidden: query === HIDDEN,
    connected: timeFrom(row.connected),
    asked: timeFrom(row.asked),
  };
}

/** Takes a name apart that `applicationName` made; host and label may be cut off in it. */
function fromApplicationName(name: string | undefined): Pick<Presence, "host" | "pid" | "label"> | undefined {
  const [, host, pid, label] = /^sera (\S+):(\d{1,10}) (.*)$/.exec(name ?? "") ?? [];
  const number = pidFrom(pid);
  return number === undefined ? undefined : { host: host!, pid: number, label: label! };
}

/** Somebody who holds a lock. */
export function holderOf(lock: string, key: string, { who, mark, connected, asked }: Identity): Sighting {
  // The moment of acquiring is known only after the statement that looked whether it had worked.
  const acquired = mark && keyOfName(mark.lock) === key ? mark.since ?? asked : undefined;
  const since = acquired ?? connected;
  const sinceIs = acquired !== undefined ? "acquired" : since === undefined ? undefined : "connected";
  return { lock, state: "held", ...who, since, sinceIs };
}

/** Somebody who waits for a lock, since this time. */
export function waiterOf(lock: string, { who }: Identity, since: number | undefined): Sighting {
  return { lock, state: "waiting", ...who, since, sinceIs: since === undefined ? undefined : "waiting" };
}
