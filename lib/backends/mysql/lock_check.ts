import type { Row } from "../sql/row.ts";
import { type Answer, answerIn } from "../sql/answer.ts";
import { join, sql, type Statement } from "../sql/statement.ts";
import { endRequestFor } from "./named_lock.ts";
import type { MySqlSession } from "./session.ts";
import { askState, serverIdentity, type ServerVariables } from "./topology.ts";

/** The columns of the answer to each question. */
const COLUMNS = ["mine", "id", "server", "idle", "state", "asker"] as const;

export type Column = (typeof COLUMNS)[number] | "others";

/** SQL for whether somebody seems to hold the lock with another number of slots. */
export type Looks = (known?: number) => Statement;

/** How to make sure that a session holds a lock on the server that it was opened on. */
export interface Check {
  /** Undefined where nobody can hold slots. */
  readonly looks: Looks | undefined;
  /**
   * The question after the lock was taken; asks for others too, unless nobody can hold slots.
   *
   * @param mine See {@linkcode isMine}.
   * @param known See {@linkcode Looks}.
   */
  first(mine: Statement, known?: number): Statement;
  /** The question of each renewal. */
  again(mine: Statement): Statement;
  /** Reads the answer to either. */
  read(rows: readonly Row[], isFirst: boolean): Answer<Column>;
  /** Whether the server is the one that it was, and the lock is this session's. */
  isOurs(answer: Answer<Column>): boolean;
  /** What the server says of itself now. */
  stateIn(answer: Answer<Column>): ServerVariables;
}

/** @param locks The names for which others may ask for a release. */
export function checkIn(
  session: MySqlSession,
  locks: readonly string[],
  allowUnsafeServer: boolean,
  looks: Looks | undefined,
): Check {
  const { expression, mark } = serverIdentity(session.variables);
  const state = askState(allowUnsafeServer ? new Map() : session.variables);
  const place = sql`CONNECTION_ID() AS id, ${expression} AS server, @@SESSION.wait_timeout AS idle`;
  const askers = join(locks.map((lock) => sql`IS_USED_LOCK(${endRequestFor(lock)})`));
  const asker = locks.length === 1 ? sql`IFNULL(${askers}, 0)` : sql`COALESCE(${askers}, 0)`;
  const again = (mine: Statement) =>
    sql`SELECT ${mine} AS mine, ${place}, ${state.expression} AS state, ${asker} AS asker`;
  return {
    looks,
    first: (mine, known) => looks ? sql`${again(mine)}, ${looks(known)} AS others` : again(mine),
    again,
    read: (rows, isFirst) => answerIn<Column>(session, rows, looks && isFirst ? [...COLUMNS, "others"] : COLUMNS),
    isOurs: (seen) => seen.bit("mine") === true && seen.is("server", mark),
    stateIn: (seen) => state.read(seen.texts("state", state.count)),
  };
}

/** SQL for whether this session holds all of these named locks; and whatever else has to be so. */
export function isMine(names: readonly Statement[], ...besides: readonly Statement[]): Statement {
  return join([...names.map((name) => sql`IS_USED_LOCK(${name}) = CONNECTION_ID()`), ...besides], sql` AND `);
}
