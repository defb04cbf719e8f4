import { Deadline, delayOrAbort } from "../deadline.ts";
import { LockUnavailableError } from "../errors.ts";
import { advisoryKey } from "./advisory_key.ts";
import type { PostgresSession } from "./postgres_session.ts";

/** How long a pooler may take to clean up after a session, in milliseconds; it takes one or two. */
const CLEAN_UP = 3000;
/** The pause between two looks, in milliseconds. */
const LOOK = 50;
/** How many looks the lock must outlive while its session is there; a pooler that cleans up after each statement is quick. */
const LOOKS = 3;

/**
 * Makes sure that a pooler ties a lock to our connection: that it stays while the connection is there, and goes with it.
 * PgBouncer does so in session mode only. In its other modes it may well hand us the same server session each time,
 * so that comparing sessions proves nothing. But it cleans up after a client (`server_reset_query`) only in session mode;
 * so a probe of a lock is taken here, left behind, and looked for.
 *
 * @param session A connection through the pooler; it is used up.
 * @param reopen Makes another such connection.
 * @returns A connection to lock on.
 * @throws {LockUnavailableError} When locks stray.
 */
export async function throughPooler(
  session: PostgresSession,
  reopen: () => Promise<PostgresSession>,
  signal: AbortSignal,
): Promise<PostgresSession> {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  const probe = advisoryKey(bytes.toHex());
  const isThere = async (session: PostgresSession) =>
    (await session.query(`SELECT EXISTS (SELECT FROM pg_locks WHERE ${probe.row}) AS there`, { signal })).there === "t";

  try {
    await session.query(`SELECT pg_try_advisory_lock(${probe.args})`, { signal });
    for (let look = 0; look < LOOKS; look++) {
      if (!await isThere(session)) throw strays(session);
      await delayOrAbort(LOOK, signal);
    }
  } finally {
    await session.close();
  }

  const next = await reopen();
  try {
    const deadline = new Deadline(CLEAN_UP);
    while (await isThere(next)) {
      if (deadline.passed) {
        await next.attempt(`SELECT pg_advisory_unlock(${probe.args})`, signal);
        throw strays(next);
      }
      await delayOrAbort(LOOK, signal);
      signal.throwIfAborted();
    }
    return next;
  } catch (error) {
    next.destroy();
    throw error;
  }
}

function strays({ where }: PostgresSession): LockUnavailableError {
  return new LockUnavailableError(
    `Cannot lock on ${where}: a pooler there does not tie locks to connections; use PgBouncer's pool_mode=session with ` +
      "its server_reset_query, or connect to the server itself",
  );
}
