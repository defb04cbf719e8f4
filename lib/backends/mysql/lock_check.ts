import { OtherSlotsError } from "../../errors.ts";
import type { Outcome } from "../sql/batch.ts";
import type { Row } from "../sql/row.ts";
import { type Answer, answerIn } from "../sql/answer.ts";
import { join, sql, type Statement } from "../sql/statement.ts";
import { Agreement } from "./slot_agreement.ts";
import { endRequestFor } from "./named_lock.ts";
import type { MySqlOptions } from "./options.ts";
import type { MySqlSession } from "./session.ts";
import { askState, serverIdentity, type ServerVariables } from "./topology.ts";

/** The columns of the answer to each question. */
const COLUMNS = ["mine", "id", "server", "idle", "state", "asker"] as const;

export type Column = (typeof COLUMNS)[number] | "conflicts";

/** Checks that a session holds a lock on the server that it was opened on. */
export interface Check {
  readonly agreement: Agreement;
  /**
   * The question after the lock was taken; also asks for conflicts, if they are possible.
   *
   * @param mine See {@linkcode isMine}.
   * @param slot SQL for the slot that was taken, if there are slots.
   */
  first(mine: Statement, slot?: Statement): Statement;
  /** The question of each renewal. */
  again(mine: Statement): Statement;
  /** Reads the answer to either. */
  read(rows: readonly Row[], isFirst: boolean): Answer<Column>;
  /** Whether the server is the one that it was, and the lock is this session's. */
  isOurs(answer: Answer<Column>): boolean;
  /**
   * Refuses to wait for a lock without slots if others hold it with slots.
   *
   * @param next The outcome of {@linkcode first}, if that was sent along.
   * @throws {OtherSlotsError}
   */
  refuseOthers(next: Outcome | undefined): Promise<void>;
  /** The current state of the server. */
  stateIn(answer: Answer<Column>): ServerVariables;
}

/** The check for a lock, and for those that are held with it. */
export function checkIn(session: MySqlSession, options: MySqlOptions): Check {
  const { allowUnsafeServer, presence, also = [] } = options;
  const locks = [presence.lock, ...also];
  const agreement = new Agreement(session, options);
  const { expression, mark } = serverIdentity(session.variables);
  const state = askState(allowUnsafeServer ? new Map() : session.variables);
  const place = sql`CONNECTION_ID() AS id, ${expression} AS server, @@SESSION.wait_timeout AS idle`;
  const askers = join(locks.map((lock) => sql`IS_USED_LOCK(${endRequestFor(lock)})`));
  const asker = locks.length === 1 ? sql`IFNULL(${askers}, 0)` : sql`COALESCE(${askers}, 0)`;
  const again = (mine: Statement) =>
    sql`SELECT ${mine} AS mine, ${place}, ${state.expression} AS state, ${asker} AS asker`;
  const read = (rows: readonly Row[], isFirst: boolean) =>
    answerIn<Column>(session, rows, agreement.isNeeded && isFirst ? [...COLUMNS, "conflicts"] : COLUMNS);
  return {
    agreement,
    first: (mine, slot) =>
      agreement.isNeeded ? sql`${again(mine)}, ${agreement.conflictsAfter(mine, slot)} AS conflicts` : again(mine),
    again,
    read,
    async refuseOthers(next) {
      if (!agreement.isNeeded || session.closed.aborted) return;
      if (next && "rows" in next && read(next.rows, true).bit("conflicts") === false) return;
      const { number } = await agreement.others();
      if (number !== undefined) throw new OtherSlotsError(number, 1);
    },
    isOurs: (seen) => seen.bit("mine") === true && seen.is("server", mark),
    stateIn: (seen) => state.read(seen.texts("state", state.count)),
  };
}

/** SQL for whether this session holds all of these named locks, and further conditions are true. */
export function isMine(names: readonly Statement[], ...besides: readonly Statement[]): Statement {
  return join([...names.map((name) => sql`IS_USED_LOCK(${name}) = CONNECTION_ID()`), ...besides], sql` AND `);
}
