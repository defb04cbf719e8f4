import { MAX_TEXT_LENGTH, pidFrom, textFrom, timeFrom, wholeFrom } from "../../text/untrusted.ts";
import { readMark } from "../sql/mark.ts";
import type { Presence } from "../../lock/presence.ts";
import { POSTGRESQL } from "../sql/quoting.ts";
import { ASKS } from "./requested_locks.ts";
import type { Session } from "../sql/session.ts";
import type { Row } from "../sql/row.ts";
import { fromHex } from "../sql/hex.ts";
import { inMilliseconds, textInHex } from "./sql.ts";
import { sql, type Statement } from "../sql/statement.ts";
import { askOrRefused } from "../sql/ask_if_allowed.ts";
import type { Sighting } from "../../who/sighting.ts";

/** The longest statement to read in full, in bytes: sera's are shorter, and have their mark at the end. */
const MAX_QUERY_SIZE = 1500;

/** How many sessions one query reads: even the longest rows fit into `MAX_ANSWER_SIZE`. */
const READ_AT_ONCE = 150;

/** SQL for a session's statement, or for the start of a long one. */
const QUERY =
  sql`CASE WHEN octet_length(session.query) <= ${MAX_QUERY_SIZE} THEN session.query ELSE left(session.query, 64) END`;

/** The columns to read from `pg_stat_activity`, which hides most of them for other users' sessions. */
const INFO_COLUMNS = sql`session.pid AS session, host(session.client_addr) AS address,
  ${textInHex(sql`session.usename::text`, MAX_TEXT_LENGTH)} AS user_name,
  ${textInHex(sql`session.application_name`, MAX_TEXT_LENGTH)} AS application_name,
  ${textInHex(QUERY, MAX_QUERY_SIZE)} AS query,
  ${inMilliseconds(sql`session.backend_start`)} AS connected,
  ${inMilliseconds(sql`session.query_start`)} AS asked`;

/** The start of a statement that asks for a lock. */
const ASKING = ["SELECT pg_try_advisory_lock(", `SELECT ${ASKS.textFor(POSTGRESQL)} `];

/** What the server shows in place of a statement that this user may not see. */
const HIDDEN = "<insufficient privilege>";

/** What the server shows of a session. */
export interface SessionInfo {
  readonly who: Pick<Sighting, "host" | "pid" | "label" | "user" | "address" | "session">;
  /** The mark in its last statement, if that was sera's and is not hidden. */
  readonly mark: Presence | undefined;
  /** Whether its last statement asked for a lock: then this sera waits, or has just acquired it. */
  readonly asks: boolean;
  /** Whether the server hides its last statement. */
  readonly isHidden: boolean;
  /** When it connected and when its last statement began, in milliseconds since 1970; undefined where hidden. */
  readonly connected: number | undefined;
  readonly asked: number | undefined;
}

/**
 * Reads what the server shows of sessions.
 *
 * @param condition Which sessions to read, over the columns of `pg_stat_activity`.
 * @returns Undefined where this role may not read that view.
 * @throws {LockUnavailableError} When the server does not answer.
 */
export async function readSessionInfos(
  session: Session,
  condition: Statement,
  signal: AbortSignal,
): Promise<readonly SessionInfo[] | undefined> {
  const all: SessionInfo[] = [];
  for (let last = 0;;) {
    const rows = await askOrRefused(
      session,
      sql`SELECT ${INFO_COLUMNS} FROM pg_stat_activity AS session
        WHERE pid > ${last} AND (${condition}) ORDER BY pid LIMIT ${READ_AT_ONCE}`,
      signal,
    );
    if (!rows) return undefined;
    all.push(...rows.map(sessionInfoOf));
    const next = all.at(-1)?.who.session ?? last;
    if (rows.length < READ_AT_ONCE || next <= last) return all;
    last = next;
  }
}

/** Reads a row of {@linkcode INFO_COLUMNS}. */
export function sessionInfoOf(row: Row): SessionInfo {
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
    mark,
    asks: ASKING.some((start) => query.startsWith(start)),
    isHidden: query === HIDDEN,
    connected: timeFrom(row.connected),
    asked: timeFrom(row.asked),
  };
}

/** Parses a name made by `applicationName()`; its host and label may be cut short. */
function fromApplicationName(name: string | undefined): Pick<Presence, "host" | "pid" | "label"> | undefined {
  const [, host, pid, label] = /^sera (\S+):(\d{1,10}) (.*)$/.exec(name ?? "") ?? [];
  const number = pidFrom(pid);
  return number === undefined ? undefined : { host: host!, pid: number, label: label! };
}

/**
 * The sighting of a session that holds a lock.
 *
 * @param mark Its mark, if that tells about this lock.
 */
export function holderSighting(
  lock: string,
  mark: Presence | undefined,
  { who, connected, asked }: SessionInfo,
): Sighting {
  // The mark has no time until the statement that confirms the lock is answered; that statement's start is close enough.
  const acquired = mark && (mark.since ?? asked);
  const since = acquired ?? connected;
  const sinceIs = acquired !== undefined ? "acquired" : since === undefined ? undefined : "connected";
  return { lock, state: "held", ...who, since, sinceIs };
}

/** The sighting of a session that waits for a lock; `since` is in milliseconds since 1970. */
export function waiterSighting(lock: string, { who }: SessionInfo, since: number | undefined): Sighting {
  return { lock, state: "waiting", ...who, since, sinceIs: since === undefined ? undefined : "waiting" };
}
