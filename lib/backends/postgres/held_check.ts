import { type Outcome, rowsOf } from "../sql/batch.ts";
import { type Answer, answerIn, askOne } from "../sql/answer.ts";
import type { QueryOptions } from "../sql/query_options.ts";
import { sql, type Statement } from "../sql/statement.ts";
import type { PostgresSession } from "./session.ts";
import { FITNESS } from "./set_up.ts";
import { inMilliseconds } from "./sql.ts";
import type { ConflictColumn, RequestedLocks } from "./requested_locks.ts";

/** SQL for the server's time in milliseconds since 1970. */
const NOW = inMilliseconds(sql`clock_timestamp()`);

/** The columns of a check of a held lock. */
const COLUMNS = ["mine", "now", "asker", "standby", "read_only"] as const;

/** Whether a session holds the lock, and whether the server is still fit to lock on. */
export type Checked = Answer<typeof COLUMNS[number]>;

/** The same, and who else holds it. */
export type Looked = Answer<typeof COLUMNS[number] | ConflictColumn | "settles">;

/**
 * Asks whether a session holds the lock, and whether the server is still fit to lock on. Not a part of the statement that
 * asks for the lock: planning it each time would double what a waiter costs the server.
 */
export class HeldCheck {
  readonly #requested: RequestedLocks;

  constructor(requested: RequestedLocks) {
    this.#requested = requested;
  }

  /** A statement that also asks who else holds it, in the same read of the server's locks. */
  look(session: PostgresSession): Statement {
    return this.#question(session, true, sql`0`);
  }

  /** Sends {@linkcode look} by itself. */
  async lookNow(session: PostgresSession, signal: AbortSignal): Promise<Outcome> {
    return { rows: await session.queryAll(this.look(session), { signal }) };
  }

  /** Reads the outcome of {@linkcode look}. */
  looked(session: PostgresSession, outcome: Outcome): Looked {
    return answerIn(session, rowsOf(outcome), [
      ...COLUMNS,
      ...this.#requested.looked,
      ...this.#requested.slots ? ["settles"] as const : [],
    ]);
  }

  /** @param asker SQL for the server process of the session that asks for the lock's release; 0 if none does. */
  async ask(session: PostgresSession, asker: Statement, options: QueryOptions): Promise<Checked> {
    return await askOne(session, this.#question(session, false, asker), COLUMNS, options);
  }

  #question({ pid }: PostgresSession, looks: boolean, asker: Statement): Statement {
    const { isHeld, from } = this.#requested.heldBy(pid, looks);
    const looked = looks ? sql`${this.#requested.look}${this.#requested.settle(isHeld)}` : sql``;
    return sql`SELECT ${isHeld} AS mine, ${NOW} AS now, ${asker} AS asker, ${FITNESS}${looked} FROM ${from}`;
  }
}
