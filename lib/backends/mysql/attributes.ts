import { MAX_TEXT_LENGTH, pidFrom, textFrom, timeFrom, wholeFrom } from "../../text/untrusted.ts";
import { MAX_SLOTS } from "../../lock/slot_name.ts";
import { fromHex } from "../sql/hex.ts";
import type { Session } from "../sql/session.ts";
import type { Row } from "../sql/row.ts";
import { identifier, join, sql, type Statement, word } from "../sql/statement.ts";
import { askOrRefused } from "../sql/ask_if_allowed.ts";

/** The connection attributes that sera sets when it connects. */
export interface Attributes {
  readonly lock: string | undefined;
  /** The locks that are held together with it, or the first of them. */
  readonly also: readonly string[];
  /** How many slots the lock has. */
  readonly slots: number | undefined;
  readonly host: string | undefined;
  readonly pid: number | undefined;
  readonly label: string | undefined;
  /** Milliseconds since 1970, by the clock of sera's host. */
  readonly connected: number | undefined;
}

/** The attributes of sera's sessions that this user may see. */
export interface ShownAttributes {
  readonly byConnection: ReadonlyMap<number, Attributes>;
  /** Whose attributes they are; `this host`: only those of this user's sessions from the same host. */
  readonly scope: "all" | "this host" | "none";
}

/** The attributes to read, and the maximum number of characters of each. */
const WANTED = {
  sera_lock: 40,
  sera_also: 160,
  sera_slots: 10,
  sera_host: MAX_TEXT_LENGTH + 1,
  sera_pid: 20,
  sera_label: MAX_TEXT_LENGTH + 1,
  sera_connected: 40,
} as const;

const NAMES = Object.keys(WANTED) as (keyof typeof WANTED)[];

/** How many sessions one query reads: even with the longest attributes, their rows fit into `MAX_ANSWER_SIZE`. */
const READ_AT_ONCE = 150;

/**
 * Reads the connection attributes of all sessions if this user may, else of those that any user may see (MySQL 5.7 and
 * later, MariaDB).
 */
export async function readAttributes(session: Session, signal: AbortSignal): Promise<ShownAttributes> {
  const all = await readTable(session, sql`performance_schema.session_connect_attrs`, signal);
  if (all) return { byConnection: all, scope: "all" };
  const own = await readTable(session, sql`performance_schema.session_account_connect_attrs`, signal);
  return own ? { byConnection: own, scope: "this host" } : { byConnection: new Map(), scope: "none" };
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
    also: text("sera_also")?.split(",") ?? [],
    slots: wholeFrom(text("sera_slots"), 2, MAX_SLOTS),
    host: text("sera_host"),
    pid: pidFrom(text("sera_pid")),
    label: text("sera_label"),
    connected: timeFrom(Date.parse(text("sera_connected") ?? "")),
  };
}
