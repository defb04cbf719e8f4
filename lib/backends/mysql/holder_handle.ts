import { LockUnavailableError } from "../../errors.ts";
import { wholeFrom } from "../../text/untrusted.ts";
import type { ForcedRelease } from "../../who/holder_handle.ts";
import type { Sighting } from "../../who/sighting.ts";
import { isPerformanceSchemaOn } from "./all_sightings.ts";
import { readAttributes } from "./attributes.ts";
import { askOne } from "../sql/answer.ts";
import { type HoldingSession, SessionHandle, sessionNumber } from "../sql/session_handle.ts";
import { sql, type Statement } from "../sql/statement.ts";
import { endRequestFor } from "./named_lock.ts";
import type { MySqlOptions } from "./options.ts";
import type { MySqlSession } from "./session.ts";
import { slotWord } from "./slot_look.ts";

/** For how long the asker's statement shows who asks, in seconds. */
const SHOWN = 1;

/** What the server says about a session that it does not have, or does not show. */
const UNKNOWN = 1094;
/** The same of a session that is another user's. */
const DENIED = 1095;

/** The error numbers that only say that a user may not. */
const REFUSALS: readonly unknown[] = [DENIED, 1044, 1142, 1227];

/**
 * Takes hold of a session that holds a named lock.
 *
 * @param open Gives the session in which it was seen, or another one where that has ended.
 * @throws {LockUnavailableError} When the server did not show which session it is.
 */
export async function handleOnMySql(
  holder: Sighting,
  { lease }: Pick<MySqlOptions, "lease">,
  open: () => Promise<MySqlSession>,
  signal: AbortSignal,
): Promise<SessionHandle<MySqlSession>> {
  const session = await open();
  const id = sessionNumber(holder, session);
  const isSera = holder.host !== undefined || await mayBeSera(session, signal) && undefined;
  return new SessionHandle(new HoldingMySql(holder, id, lease.ttl), session, open, lease, isSera);
}

/** Whether a session whose process the server does not show may be sera's. */
async function mayBeSera(session: MySqlSession, signal: AbortSignal): Promise<boolean> {
  return !await isPerformanceSchemaOn(session, signal) || (await readAttributes(session, signal)).scope !== "all";
}

class HoldingMySql implements HoldingSession<MySqlSession> {
  readonly #holder: Sighting;
  readonly #id: number;
  readonly #ttl: number;
  readonly #name: Statement;
  readonly #endRequest: Statement;

  constructor(holder: Sighting, id: number, ttl: number) {
    this.#holder = holder;
    this.#id = id;
    this.#ttl = ttl;
    this.#name = slotWord(holder.lock, holder.slot ?? 0);
    this.#endRequest = endRequestFor(holder.lock, id);
  }

  async holds(session: MySqlSession, signal: AbortSignal): Promise<boolean> {
    const question = sql`SELECT IFNULL(IS_USED_LOCK(${this.#name}) = ${this.#id}, 0) AS holds`;
    return (await askOne(session, question, ["holds"], { signal })).bit("holds") === true;
  }

  async ask(session: MySqlSession, signal: AbortSignal): Promise<boolean> {
    const got = await askOne(session, sql`SELECT GET_LOCK(${this.#endRequest}, 0) AS got`, ["got"], { signal });
    return got.bit("got") === true;
  }

  async show(session: MySqlSession, signal: AbortSignal): Promise<void> {
    await session.query(sql`SELECT SLEEP(${SHOWN}) AS slept`, { serverTime: SHOWN * 1000, signal });
  }

  async force(session: MySqlSession, signal: AbortSignal): Promise<ForcedRelease | undefined> {
    // Decided by the server: if another session holds the lock meanwhile, this gives 0, which is no session.
    const stillTheirs = sql`IF(IS_USED_LOCK(${this.#name}) = ${this.#id}, ${this.#id}, 0)`;
    try {
      await session.queryAll(sql`KILL CONNECTION ${stillTheirs}`, { signal });
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
      const { errno } = (error.cause ?? {}) as { readonly errno?: number };
      if (errno !== UNKNOWN && !REFUSALS.includes(errno)) throw error;
      // The server also says that it does not know a session that this user may not see.
      if (!await this.holds(session, signal)) return undefined;
      const { user } = this.#holder;
      const as = user === undefined ? "" : `, or unlock as ${user}, whose session it is`;
      throw LockUnavailableError.on(session.where, {
        what: `this user may not end session ${this.#id}, which belongs to another user`,
        cure: `grant it PROCESS and CONNECTION_ADMIN (CONNECTION ADMIN on MariaDB; on old servers SUPER)${as}`,
      }, { cause: error });
    }
    const isSera = this.#holder.host !== undefined;
    return { mayRun: isSera ? this.#ttl : undefined };
  }

  async uptime(session: MySqlSession, signal: AbortSignal): Promise<number> {
    const row = await session.query(sql`SHOW GLOBAL STATUS LIKE 'Uptime'`, { signal });
    // It counts whole seconds.
    return 1000 * ((wholeFrom(Object.values(row)[1]) ?? 0) + 1);
  }
}
