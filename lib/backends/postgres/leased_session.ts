import { Deadline } from "../../deadline.ts";
import { withinLimit } from "./limits.ts";
import type { PostgresSessionOptions } from "./options.ts";
import type { PostgresServer } from "./server.ts";
import { openPostgresSession } from "./open_session.ts";
import type { PostgresSession } from "./session.ts";

/**
 * Connects for a lease, to the first host that takes writes, and finds out whether the server session is the
 * connection's own: see {@linkcode PostgresSession.hasSessionLocks}. Leaves nothing in a pooler's server session.
 *
 * @param signal Aborts the attempt.
 * @param limit In how many milliseconds the signal will abort it; several hosts share them.
 * @throws {LockUnavailableError} When there is no such host.
 * @throws {ConfigError} When a file that TLS needs cannot be read.
 */
export async function openLeasedSession(
  server: PostgresServer,
  options: PostgresSessionOptions,
  signal: AbortSignal,
  limit = Infinity,
): Promise<PostgresSession> {
  const deadline = new Deadline(limit);
  const leased = { ...options, leased: true };
  const session = await openPostgresSession(withinLimit(server, limit), leased, signal);
  if (!session.pooled) return session;
  // Another pooler may be in another mode.
  const there = session.host === undefined ? server : { ...server, hosts: [session.host] };
  const { sessionOfPooler } = await import("./pooler_session.ts");
  return await sessionOfPooler(session, (signal) => openPostgresSession(there, leased, signal), {
    lease: options.lease,
    signal,
    limit: deadline.remaining,
  });
}
