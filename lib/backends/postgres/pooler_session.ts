import { Deadline } from "../../deadline.ts";
import { LockUnavailableError, UnsafeServerError } from "../../errors.ts";
import type { LeaseTerms } from "../../lock/lease.ts";
import { TimeLimit } from "../../waiting.ts";
import { askOne } from "../sql/answer.ts";
import { sql } from "../sql/statement.ts";
import { requireSessionPooling } from "./pooler.ts";
import type { PostgresSession } from "./session.ts";

/** How many second connections to compare with: several poolers may share an address. */
const COMPARISONS = 3;

/**
 * How long a comparison may take, in milliseconds, and which fraction of the time left: if the pooler has no second
 * connection to offer, the run must not fail because of that.
 */
const COMPARISON_LIMIT = 3000;
const COMPARISON_SHARE = 1 / 3;

/**
 * How long a probe may take: these milliseconds, and this many times as long as a comparison, whose steps it repeats with
 * pauses that are many times as long.
 */
const MIN_PROBE = 500;
const PROBE_FACTOR = 40;

/** How to ask a pooler. */
interface Acquisition {
  readonly lease: LeaseTerms;
  readonly signal: AbortSignal;
  /** In how many milliseconds the signal will fire. */
  readonly limit: number;
}

/** Makes another connection through the same pooler. */
type Reopen = (signal: AbortSignal) => Promise<PostgresSession>;

/**
 * Finds out whether a pooler assigns a server session to one client until that disconnects, so that session locks last. If
 * so, the session is set up. If not, nothing is left in any of its server sessions; nor if this cannot be determined, because
 * the pooler has no second connection, or too little time is left.
 *
 * @param session A leased session through the pooler; closed if another one is returned.
 * @throws {LockUnavailableError} When the connection has ended and there is no other.
 * @throws The signal's reason when it is aborted.
 */
export async function sessionOfPooler(
  session: PostgresSession,
  reopen: Reopen,
  acquisition: Acquisition,
): Promise<PostgresSession> {
  const { lease, signal, limit } = acquisition;
  const deadline = new Deadline(limit);
  const took = await compareOften(session, reopen, signal, deadline);
  if (took === undefined || deadline.remaining < MIN_PROBE + PROBE_FACTOR * took) return session;
  let own: PostgresSession;
  try {
    own = await requireSessionPooling(session, () => reopen(signal), signal);
  } catch (error) {
    if (!(error instanceof UnsafeServerError)) throw error;
    return await reopen(signal);
  }
  await own.becomeOwn(lease, signal);
  return own;
}

/**
 * Checks whether the pooler lets several clients share server sessions. Two connections that are open at the same time and
 * run statements in the same server session prove it, as does one that runs them in two. Seeing neither proves nothing.
 *
 * @returns How long the longest comparison took, in milliseconds; undefined if they share, or if that is unknown.
 */
async function compareOften(
  session: PostgresSession,
  reopen: Reopen,
  signal: AbortSignal,
  deadline: Deadline,
): Promise<number | undefined> {
  let took = 0;
  try {
    for (let comparison = 0; comparison < COMPARISONS; comparison++) {
      const began = performance.now();
      const longest = Math.min(COMPARISON_LIMIT, deadline.remaining * COMPARISON_SHARE);
      using late = new TimeLimit(longest, () => new Error("too late"));
      const either = AbortSignal.any([signal, late.signal]);
      const other = await orUndefined(reopen(either), either);
      if (other === undefined) {
        signal.throwIfAborted();
        return undefined;
      }
      const shares = await compare(session, other, signal, either);
      await other.close();
      if (shares) return undefined;
      took = Math.max(took, performance.now() - began);
    }
    return took;
  } catch (error) {
    session.destroy();
    throw error;
  }
}

/**
 * Whether two connections share server sessions. The second one is asked twice in a row: a pooler that hands out server
 * sessions in turn might give each of two clients always the same one.
 */
async function compare(
  session: PostgresSession,
  other: PostgresSession,
  signal: AbortSignal,
  either: AbortSignal,
): Promise<boolean> {
  const others = other.pid === session.pid ? other.pid : await orUndefined(pidOf(other, either), either);
  signal.throwIfAborted();
  // Last, so that its own server session was in use the whole time.
  const own = await pidOf(session, signal);
  return others === undefined || others !== other.pid || own !== session.pid || own === others;
}

async function pidOf(session: PostgresSession, signal: AbortSignal): Promise<number> {
  return (await askOne(session, sql`SELECT pg_backend_pid() AS pid`, ["pid"], { signal })).whole("pid");
}

/** The result, or undefined if the server refuses or the signal fires first. */
async function orUndefined<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (signal.aborted || error instanceof LockUnavailableError) return undefined;
    throw error;
  }
}
