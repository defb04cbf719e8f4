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
import { slotLiteral } from "./slot_holders.ts";

/** How long the requesting session's statement shows who asks, in seconds. */
const SHOWN = 1;

/** The server's error for a session that does not exist, or that this user may not see. */
const UNKNOWN = 1094;
/** The server's error for another user's session. */
const DENIED = 1095;

/** The error numbers for missing privileges. */
const REFUSALS: readonly unknown[] = [DENIED, 1044, 1142, 1227];

/**
 * Makes the handle on a session that holds a named lock.
 *
 * @param open Returns the session in which it was seen, or another one if that has ended.
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
    this.#name = slotLiteral(holder.lock, holder.slot ?? 0);
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
    // The server decides: if another session holds the lock by now, this is 0, which is no session.
    const stillTheirs = sql`IF(IS_USED_LOCK(${this.#name}) = ${this.#id}, ${this.#id}, 0)`;
    try {
      await session.queryAll(sql`KILL CONNECTION ${stillTheirs}`, { signal });
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
      const { errno } = (error.cause ?? {}) as { readonly errno?: number };
      if (errno !== UNKNOWN && !REFUSALS.includes(errno)) throw error;
      // The server reports a session that this user may not see as unknown.
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
