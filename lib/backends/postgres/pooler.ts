import { Deadline } from "../../deadline.ts";
import { delayOrAbort } from "../../waiting.ts";
import { UnsafeServerError } from "../../errors.ts";
import { type AdvisoryKey, advisoryKey } from "./advisory_key.ts";
import { askOne } from "../sql/answer.ts";
import type { PostgresSession } from "./session.ts";
import { sql } from "../sql/statement.ts";

/** How long a probe must survive while its connection is open, in milliseconds, at first. */
const FIRST_HOLD = 60;
/**
 * The probe must vanish this many times faster after a disconnect than it survived while connected. Otherwise this may be a
 * coincidence: another client of the pool may release all locks of the same server session at that moment.
 */
const MIN_RATIO = 4;
/** How many rounds must succeed; the probability that all three succeed by chance is less than 1 in 2000. */
const PROOFS_NEEDED = 3;
/** How many rounds to try; they get longer where the network is slow. */
const MAX_ROUNDS = 8;
/** How many times as long the next round may be, so that one wait for a full pool does not make all of them long. */
const MAX_GROWTH = 8;
/** How long a pooler may take to clean up after a connection, in milliseconds; it takes one or two. */
const CLEAN_UP_LIMIT = 3000;
/** The pause between two checks of a probe, in milliseconds, and how many checks are enough while it is held. */
const CHECK_PAUSE = 10;
const MAX_CHECKS = 50;
/** How many times to try to unlock a probe that the pooler did not clean up. */
const MAX_UNLOCKS = 50;

/**
 * Makes sure that a pooler ties locks to connections, so that a lock lasts exactly as long as its connection. PgBouncer
 * does so only in session mode. Comparing server sessions proves nothing, since in its other modes too it may hand out
 * the same one each time. But only in session mode does it clean up after a client (`server_reset_query`); so this
 * locks a probe, disconnects, and checks that the probe vanishes.
 *
 * @param session A connection through the pooler, which is closed.
 * @param reopen Makes another such connection.
 * @returns A connection to lock on.
 * @throws {UnsafeServerError} When the pooler does not tie locks to connections.
 */
export async function requireSessionPooling(
  session: PostgresSession,
  reopen: () => Promise<PostgresSession>,
  signal: AbortSignal,
): Promise<PostgresSession> {
  let current = session;
  try {
    let hold = FIRST_HOLD;
    let proofs = 0;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const probe = advisoryKey(crypto.getRandomValues(new Uint8Array(8)).toHex());
      await holdProbe(current, probe, hold, signal);
      const closed = performance.now();
      await current.close();
      current = await reopen();
      await seeProbeGone(current, probe, signal);
      const took = performance.now() - closed;
      if (took * MIN_RATIO > hold) hold = longerHold(hold, took);
      else if (++proofs === PROOFS_NEEDED) return current;
    }
    throw unsafePooler(current);
  } catch (error) {
    current.destroy();
    throw error;
  }
}

/** Locks a probe, and checks for `hold` milliseconds that it stays locked, in one and the same server session. */
async function holdProbe(
  session: PostgresSession,
  probe: AdvisoryKey,
  hold: number,
  signal: AbortSignal,
): Promise<void> {
  await session.query(sql`SELECT pg_try_advisory_lock(${probe.args})`, { signal });
  for (const deadline = new Deadline(hold);;) {
    const last = deadline.passed;
    const mine = sql`SELECT FROM pg_locks WHERE ${probe.row} AND pid = pg_backend_pid() AND pid = ${session.pid}`;
    const seen = await askOne(session, sql`SELECT EXISTS (${mine}) AS mine`, ["mine"], { signal });
    if (!seen.truth("mine")) {
      await unlockProbe(session, probe, signal);
      throw unsafePooler(session);
    }
    if (last) return;
    await delayOrAbort(Math.min(Math.max(CHECK_PAUSE, hold / MAX_CHECKS), deadline.remaining), signal);
  }
}

/**
 * How long the next probe must survive, in milliseconds.
 *
 * @param hold How long the last one did.
 * @param took How long that one took to vanish, or the pooler to give another connection.
 */
export function longerHold(hold: number, took: number): number {
  return Math.min(2 * took * MIN_RATIO, hold * MAX_GROWTH);
}

/** Waits until the probe of a closed connection is gone; unlocks it if the pooler does not. */
async function seeProbeGone(session: PostgresSession, probe: AdvisoryKey, signal: AbortSignal): Promise<void> {
  for (const deadline = new Deadline(CLEAN_UP_LIMIT); await isThere(session, probe, signal);) {
    if (deadline.passed) {
      await unlockProbe(session, probe, signal);
      throw unsafePooler(session);
    }
    await delayOrAbort(CHECK_PAUSE, signal);
  }
}

/** Tries many times, since each statement may run in another server session than the one that holds the probe. */
async function unlockProbe(session: PostgresSession, probe: AdvisoryKey, signal: AbortSignal): Promise<void> {
  for (let tries = 0; tries < MAX_UNLOCKS && await isThere(session, probe, signal); tries++) {
    // A random number of times: of server sessions that come in turn, the same one might be asked each time.
    for (let times = Math.floor(3 * Math.random()); times >= 0; times--) {
      await session.attempt(sql`SELECT pg_advisory_unlock(${probe.args})`, signal);
    }
  }
}

async function isThere(session: PostgresSession, probe: AdvisoryKey, signal: AbortSignal): Promise<boolean> {
  const look = sql`SELECT EXISTS (SELECT FROM pg_locks WHERE ${probe.row}) AS there`;
  return (await askOne(session, look, ["there"], { signal })).truth("there");
}

function unsafePooler({ where }: PostgresSession): UnsafeServerError {
  return UnsafeServerError.on(where, {
    what: "a pooler there does not tie locks to connections",
    cure:
      "use PgBouncer's pool_mode=session with its server_reset_query, connect directly to the server, use --lease, or " +
      "allow it with --allow-unsafe-server",
  });
}
