import { LONGEST_TEXT, pidFrom, textFrom, timeFrom, wholeFrom } from "../../text/foreign.ts";
import { fromHex } from "../sql/hex.ts";
import type { Row, Session } from "../sql/session.ts";
import { identifier, join, sql, type Statement, word } from "../sql/statement.ts";
import { askOrRefused } from "../sql/ask_if_allowed.ts";

/** What a sera told the server when it connected. */
export interface Attributes {
  readonly lock: string | undefined;
  readonly host: string | undefined;
  readonly pid: number | undefined;
  readonly label: string | undefined;
  /** Milliseconds since 1970, by its own clock. */
  readonly connected: number | undefined;
}

/** What the server shows of sera's sessions. */
export interface ShownAttributes {
  readonly byConnection: ReadonlyMap<number, Attributes>;
  /** Of whom; `this host`: of this user's sessions that come from the same host as this one. */
  readonly of: "all" | "this host" | "none";
}

/** What is read of each session: attributes, and how much of them, in characters. */
const WANTED = {
  sera_lock: 40,
  sera_host: LONGEST_TEXT + 1,
  sera_pid: 20,
  sera_label: LONGEST_TEXT + 1,
  sera_connected: 40,
} as const;

const NAMES = Object.keys(WANTED) as (keyof typeof WANTED)[];

/** How many sessions are read at a time: the longest attributes of so many fit into the longest answer that is taken. */
const READ_AT_ONCE = 200;

/**
 * Reads the connection attributes. Those of all sessions take a right that a plain user has not; the other table has
 * what any user may see, from MySQL 5.7 and in MariaDB.
 */
export async function readAttributes(session: Session, signal: AbortSignal): Promise<ShownAttributes> {
  const all = await readTable(session, sql`performance_schema.session_connect_attrs`, signal);
  if (all) return { byConnection: all, of: "all" };
  const own = await readTable(session, sql`performance_schema.session_account_connect_attrs`, signal);
  return own ? { byConnection: own, of: "this host" } : { byConnection: new Map(), of: "none" };
}

async function readTable(
  session: Session,
  table: Statement,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, Attributes> | undefined> {
  const columns = NAMES.map((name) =>
    sql`MAX(IF(ATTR_NAME = ${word(name)}, HEX(CONVERT(LEFT(ATTR_VALUE, ${WANTED[name]}) USING utf8mb4)), NULL)) AS ${
      identifier(name)
    }`
  );
  const found = new Map<number, Attributes>();
  for (let last = 0;;) {
    const rows = await askOrRefused(
      session,
      sql`SELECT PROCESSLIST_ID AS id, ${join(columns)} FROM ${table}
        WHERE ATTR_NAME IN (${join(NAMES.map(word))}) AND PROCESSLIST_ID > ${last}
        GROUP BY PROCESSLIST_ID ORDER BY PROCESSLIST_ID LIMIT ${READ_AT_ONCE}`,
      signal,
    );
    if (!rows) return undefined;
    const ids = rows.flatMap((row) => wholeFrom(row.id) ?? []);
    for (const row of rows) {
      const id = wholeFrom(row.id);
      if (id !== undefined) found.set(id, attributesOf(row));
    }
    const next = ids.at(-1) ?? last;
    if (rows.length < READ_AT_ONCE || next <= last) return found;
    last = next;
  }
}

function attributesOf(row: Row): Attributes {
  const text = (name: keyof typeof WANTED) => textFrom(fromHex(row[name]));
  return {
    lock: text("sera_lock"),
    host: text("sera_host"),
    pid: pidFrom(text("sera_pid")),
    label: text("sera_label"),
    connected: timeFrom(Date.parse(text("sera_connected") ?? "")),
  };
}
