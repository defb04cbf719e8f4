import { LockUnavailableError } from "../../errors.ts";
import { slotName } from "../../lock/slot_name.ts";
import { wholeFrom } from "../../text/untrusted.ts";
import type { ForcedRelease } from "../../who/holder_handle.ts";
import type { Sighting } from "../../who/sighting.ts";
import { askOne } from "../sql/answer.ts";
import { type HoldingSession, SessionHandle, sessionNumber } from "../sql/session_handle.ts";
import { sql, type Statement } from "../sql/statement.ts";
import { type AdvisoryKey, advisoryKey } from "./advisory_key.ts";
import type { PostgresOptions } from "./options.ts";
import type { PostgresSession } from "./session.ts";
import { readSessionInfos } from "./session_info.ts";
import { inMilliseconds } from "./sql.ts";
import { endRequestFor } from "./end_request.ts";

/** The server's code for a missing privilege. */
const DENIED = "42501";

/** When a session began, which distinguishes it from a later one whose process has the same id. */
const START = sql`(session.backend_start AT TIME ZONE 'UTC')::text`;

/**
 * Makes the handle on a session that holds an advisory lock.
 *
 * @param open Gives the session in which it was seen, or another one where that has ended.
 * @throws {LockUnavailableError} When the server did not show which session it is.
 */
export async function handleOnPostgres(
  holder: Sighting,
  { lease }: Pick<PostgresOptions, "lease">,
  open: () => Promise<PostgresSession>,
  signal: AbortSignal,
): Promise<SessionHandle<PostgresSession>> {
  const session = await open();
  const pid = sessionNumber(holder, session);
  const { start } = await session.query(
    sql`SELECT ${START} AS start FROM pg_stat_activity session WHERE session.pid = ${pid}`,
    { signal },
  );
  const [info] = await readSessionInfos(session, sql`pid = ${pid}`, signal) ?? [];
  const isSera = holder.host !== undefined || (info && !info.isHidden ? false : undefined);
  const holding = new HoldingPostgres(holder, pid, typeof start === "string" ? start : undefined, lease.ttl);
  return new SessionHandle(holding, session, open, lease, isSera);
}

class HoldingPostgres implements HoldingSession<PostgresSession> {
  readonly #holder: Sighting;
  readonly #pid: number;
  readonly #start: string | undefined;
  readonly #ttl: number;
  readonly #holds: Statement;
  readonly #endRequest: AdvisoryKey;

  constructor(holder: Sighting, pid: number, start: string | undefined, ttl: number) {
    this.#holder = holder;
    this.#pid = pid;
    this.#start = start;
    this.#ttl = ttl;
    const name = slotName(holder.lock, holder.slot ?? 0);
    const { row } = advisoryKey(name);
    this.#holds = sql`EXISTS (SELECT FROM pg_locks WHERE ${row} AND pid = ${pid} AND granted)`;
    this.#endRequest = endRequestFor(name, pid);
  }

  async holds(session: PostgresSession, signal: AbortSignal): Promise<boolean> {
    const question = sql`SELECT ${this.#holds} AND ${this.#isSame} AS holds`;
    return (await askOne(session, question, ["holds"], { signal })).truth("holds");
  }

  async ask(session: PostgresSession, signal: AbortSignal): Promise<boolean> {
    const request = sql`SELECT pg_try_advisory_lock_shared(${this.#endRequest.args}) AS got`;
    return (await askOne(session, request, ["got"], { signal })).truth("got");
  }

  async force(session: PostgresSession, signal: AbortSignal): Promise<ForcedRelease | undefined> {
    if (this.#start === undefined) {
      if (!await this.holds(session, signal)) return undefined;
      throw LockUnavailableError.on(session.where, {
        what: `this role may not see when session ${this.#pid} began, so it cannot be told from a later one`,
        cure: "grant it pg_read_all_stats and pg_signal_backend, or unlock as the role of the session",
      });
    }
    let rows;
    try {
      // One statement decides: there is no row for a session that began later, or that does not hold the lock.
      rows = await session.queryAll(
        sql`SELECT pg_terminate_backend(session.pid) AS ended FROM pg_stat_activity session
          WHERE session.pid = ${this.#pid} AND ${START} = ${this.#start} AND ${this.#holds}`,
        { signal },
      );
    } catch (error) {
      if (!(error instanceof LockUnavailableError) || (error.cause as { code?: string })?.code !== DENIED) throw error;
      const { user } = this.#holder;
      const as = user === undefined ? "" : `, or unlock as ${user}, whose session it is`;
      throw LockUnavailableError.on(session.where, {
        what: `this role may not end session ${this.#pid}, which belongs to another role`,
        cure: `grant it pg_signal_backend${as}; a superuser's session only a superuser can end`,
      }, { cause: error });
    }
    if (rows.length === 0) return undefined;
    return { mayRun: this.#holder.host === undefined ? undefined : this.#ttl };
  }

  async uptime(session: PostgresSession, signal: AbortSignal): Promise<number> {
    const age = sql`${inMilliseconds(sql`clock_timestamp()`)} - ${inMilliseconds(sql`pg_postmaster_start_time()`)}`;
    const row = await session.query(sql`SELECT ${age} AS uptime`, { signal });
    return wholeFrom(row.uptime) ?? 0;
  }

  /** The condition that the session is not a later one, as far as this role may see. */
  get #isSame(): Statement {
    if (this.#start === undefined) return sql`true`;
    return sql`EXISTS (SELECT FROM pg_stat_activity session
      WHERE session.pid = ${this.#pid} AND ${START} = ${this.#start})`;
  }
}
