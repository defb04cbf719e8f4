/** How long a PostgreSQL server may take, in milliseconds. */

import { requestTimeoutOf } from "../../lock/lease.ts";
import type { PostgresSessionOptions } from "./options.ts";
import type { PostgresServer } from "./server.ts";

/** For a login if the settings do not say, and for an answer. */
export const DEFAULT_TIMEOUT = 10_000;

/** For an answer. A leased session is given up sooner: another one can replace it while the lease lasts. */
export function answerTimeoutOf({ answerTimeout, leased, lease: { ttl } }: PostgresSessionOptions): number {
  if (answerTimeout !== undefined) return answerTimeout;
  return leased ? Math.min(DEFAULT_TIMEOUT, requestTimeoutOf(ttl)) : DEFAULT_TIMEOUT;
}

/** Divides a time limit for connecting among several hosts, so that one that does not answer leaves time for the next. */
export function withinLimit(server: PostgresServer, limit: number): PostgresServer {
  const { hosts, connectTimeout } = server;
  const share = hosts.length > 1 ? limit / hosts.length : Infinity;
  return share < (connectTimeout ?? DEFAULT_TIMEOUT) ? { ...server, connectTimeout: share } : server;
}
