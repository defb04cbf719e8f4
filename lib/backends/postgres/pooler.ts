import { Deadline } from "../../deadline.ts";
import { delayOrAbort } from "../../waiting.ts";
import { UnsafeServerError } from "../../errors.ts";
import { type AdvisoryKey, advisoryKey } from "./advisory_key.ts";
import { askOne } from "../sql/answer.ts";
import type { PostgresSession } from "./session.ts";
import { sql } from "../sql/statement.ts";

/** For how long a probe has to stay while its connection is there, in milliseconds, at first. */
const FIRST_STAY = 60;
/**
 * How much sooner than that it has to be gone when the connection is. Otherwise it may be an accident: another client of
 * the pool that gives back all locks of a session of the server, and does so in just this span.
 */
const SOONER = 4;
/** How often it has to be so in a row of tries; three accidents happen once in 2000 times at the very most. */
const PROOFS = 3;
/** How often to try, with longer times where the network is slow. */
const ROUNDS = 8;
/** How long a pooler may take to clean up after a connection, in milliseconds; it takes one or two. */
const CLEAN_UP = 3000;
/** The pause between two looks, in milliseconds. */
const LOOK = 10;
/** How often we try to take a probe back that a pooler did not. */
const UNLOCKS = 50;

/**
 * Makes sure that a pooler ties a lock to our connection: that it stays while the connection is there, and goes with it.
 * PgBouncer does so in session mode only. In its other modes it may well hand us the same server session each time,
 * so that comparing sessions proves nothing. But it cleans up after a client (`server_reset_query`) only in session mode;
 * so a probe of a lock is taken here, left behind, and looked for.
 *
 * @param session A connection through the pooler; it is used up.
 * @param reopen Makes another such connection.
 * @returns A connection to lock on.
 * @throws {UnsafeServerError} When locks stray.
 */
export async function throughPooler(
  session: PostgresSession,
  reopen: () => Promise<PostgresSession>,
  signal: AbortSignal,
): Promise<PostgresSession> {
  let current = session;
  try {
    let stay = FIRST_STAY;
    let proofs = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const probe = advisoryKey(crypto.getRandomValues(new Uint8Array(8)).toHex());
      await outlives(current, probe, stay, signal);
      const closed = performance.now();
      await current.close();
      current = await reopen();
      await goes(current, probe, signal);
      const took = performance.now() - closed;
      if (took * SOONER > stay) stay = 2 * took * SOONER;
      else if (++proofs === PROOFS) return current;
    }
    throw strays(current);
  } catch (error) {
    current.destroy();
    throw error;
  }
}

/** Takes a probe, and sees it stay, in one and the same session of the server. */
async function outlives(
  session: PostgresSession,
  probe: AdvisoryKey,
  stay: number,
  signal: AbortSignal,
): Promise<void> {
  await session.query(sql`SELECT pg_try_advisory_lock(${probe.args})`, { signal });
  for (const deadline = new Deadline(stay);;) {
    const last = deadline.passed;
    const mine = sql`SELECT FROM pg_locks WHERE ${probe.row} AND pid = pg_backend_pid() AND pid = ${session.pid}`;
    const seen = await askOne(session, sql`SELECT EXISTS (${mine}) AS mine`, ["mine"], { signal });
    if (!seen.truth("mine")) throw strays(session);
    if (last) return;
    await delayOrAbort(Math.min(LOOK, deadline.remaining), signal);
  }
}

/** Sees the probe of a connection that has been closed go. */
async function goes(session: PostgresSession, probe: AdvisoryKey, signal: AbortSignal): Promise<void> {
  const isThere = async () => {
    const look = sql`SELECT EXISTS (SELECT FROM pg_locks WHERE ${probe.row}) AS there`;
    return (await askOne(session, look, ["there"], { signal })).truth("there");
  };
  for (const deadline = new Deadline(CLEAN_UP); await isThere();) {
    if (deadline.passed) {
      // Each time perhaps in another session of the server, and not in the one that has it.
      for (let tries = 0; tries < UNLOCKS && await isThere(); tries++) {
        await session.attempt(sql`SELECT pg_advisory_unlock(${probe.args})`, signal);
      }
      throw strays(session);
    }
    await delayOrAbort(LOOK, signal);
  }
}

function strays({ where }: PostgresSession): UnsafeServerError {
  return UnsafeServerError.on(where, {
    what: "a pooler there does not tie locks to connections",
    cure:
      "use PgBouncer's pool_mode=session with its server_reset_query, connect to the server itself, or allow it with " +
      "--allow-unsafe-server",
  });
}
