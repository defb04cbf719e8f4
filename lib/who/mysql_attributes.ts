import { LONGEST_TEXT, pidFrom, textFrom, timeFrom, wholeFrom } from "../foreign.ts";
import { fromHex } from "../sql/hex.ts";
import type { Session } from "../lock/session.ts";
import { identifier, sql } from "../sql/statement.ts";
import { askIfAllowed, askOrRefused } from "./ask.ts";

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

/** What to do where the server keeps them from this user. */
const GRANT = "grant SELECT on performance_schema.session_connect_attrs";

/**
 * Reads the connection attributes. Those of all sessions take a right that a plain user has not; the other table has
 * what any user may see, from MySQL 5.7 and in MariaDB.
 */
export async function readAttributes(session: Session, signal: AbortSignal): Promise<ShownAttributes> {
  const all = await readTable(session, "session_connect_attrs", signal);
  if (all) return { byConnection: all, of: "all" };
  const own = await readTable(session, "session_account_connect_attrs", signal);
  return own ? { byConnection: own, of: "this host" } : { byConnection: new Map(), of: "none" };
}

/**
 * Whose locks are left out when all are asked for, and what to do.
 *
 * @returns Undefined if nobody's are.
 */
export async function whatIsHidden(session: Session, signal: AbortSignal): Promise<string | undefined> {
  const tell = (who: string, ...cures: string[]) =>
    `Cannot list all locks: ${who} without the ledger are not shown; ${
      ["ask for a lock with --name", ...cures].join(", or ")
    }`;
  // Its tables are there all the same, and empty.
  const [variable] = await askIfAllowed(session, sql`SHOW GLOBAL VARIABLES LIKE 'performance_schema'`, signal);
  if (!Object.values(variable ?? {}).includes("ON")) return tell("performance_schema is off, so that holders");
  const { of } = await readAttributes(session, signal);
  if (of === "all") return undefined;
  return of === "none"
    ? tell("the server hides connection attributes from this user, so that holders", GRANT)
    : tell("this user sees the attributes of this host alone, so that holders elsewhere", GRANT);
}

async function readTable(
  session: Session,
  table: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, Attributes> | undefined> {
  const rows = await askOrRefused(
    session,
    sql`SELECT PROCESSLIST_ID AS id, ATTR_NAME AS name, HEX(CONVERT(LEFT(ATTR_VALUE, ${
      LONGEST_TEXT + 1
    }) USING utf8mb4)) AS value
      FROM performance_schema.${
      identifier(table)
    } WHERE ATTR_NAME IN ('sera_lock', 'sera_host', 'sera_pid', 'sera_label', 'sera_connected')`,
    signal,
  );
  if (!rows) return undefined;
  const texts = new Map<number, Map<string, string>>();
  for (const { id, name, value } of rows) {
    const connection = wholeFrom(id);
    const text = textFrom(fromHex(value));
    if (connection === undefined || text === undefined) continue;
    const own = texts.get(connection) ?? new Map<string, string>();
    texts.set(connection, own.set(String(name), text));
  }
  return new Map([...texts].map(([id, own]) => [id, attributesOf(own)]));
}

function attributesOf(texts: ReadonlyMap<string, string>): Attributes {
  return {
    lock: texts.get("sera_lock"),
    host: texts.get("sera_host"),
    pid: pidFrom(texts.get("sera_pid")),
    label: texts.get("sera_label"),
    connected: timeFrom(Date.parse(texts.get("sera_connected") ?? "")),
  };
}
