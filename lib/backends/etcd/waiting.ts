/** Waiting in a queue until the lock is held. */

import type { Deadline } from "../../deadline.ts";
import { LockUnavailableError } from "../../errors.ts";
import { Moment } from "../../lock/lease.ts";
import { formatDuration } from "../../text/duration.ts";
import { TimeLimit } from "../../waiting.ts";
import { type CallOptions, PATIENCE } from "./client.ts";
import { MAX_SILENCE } from "./http.ts";
import { isLeaseGone } from "./lease.ts";
import type { Line, Place } from "./line.ts";
import type { Keys } from "./requests.ts";
import type { EtcdSession } from "./session.ts";
import { untilGone } from "./until_gone.ts";

/** How long after the end of the wait an answer counts, in milliseconds: a short wait must work with a slow cluster. */
const LAST_ANSWER = 2000;

/** The shortest time for a member to answer, in milliseconds. */
const MIN_TIMEOUT = 1000;

/**
 * A watch is silent while nothing happens, so a dead connection looks the same. After this time, in milliseconds, a waiter
 * looks at its place over its other connection, and begins a new watch.
 */
const MAX_WATCH_AGE = MAX_SILENCE;

/** How old the lease of a waiter may be, in TTLs, when its turn comes: it is renewed every third. */
const OLD = 0.4;

/** A wait for a lock. */
export interface Wait {
  readonly session: EtcdSession;
  readonly line: Line;
  /** When the wait ends. */
  readonly deadline: Deadline;
  /** Whether to wait at all; if not, the lock is tried once. */
  readonly isAsked: boolean;
  /** Whether the number of waiters is limited: then even the shortest wait counts as one. */
  readonly isLimited: boolean;
  /** Ends the wait. */
  readonly signal: AbortSignal;
}

/** The lock is held. */
export interface Turn {
  readonly place: Place;
  /** When the request was sent whose answer showed that the own key exists and is the first. */
  readonly seen: Moment;
  /** How long etcd took to answer, in milliseconds. */
  readonly took: number;
}

/**
 * Waits until the session holds the lock.
 *
 * @returns Undefined when the time is over.
 * @throws {LeaseGoneError} When the lease has ended; the place in the queue is lost.
 * @throws {LockUnavailableError} When etcd does not answer. The place in the queue is kept.
 * @throws The signal's reason when it is aborted.
 */
export async function waitForTurn(wait: Wait): Promise<Turn | undefined> {
  const { session, deadline, signal } = wait;
  signal.throwIfAborted();
  let seen = new Moment();
  let place = await enter(wait);
  while (place && (place.awaited || isOld(session))) {
    let gone: readonly string[] | undefined = [];
    if (place.awaited) {
      if (deadline.passed) return undefined;
      session.keepWaiting();
      gone = await goneOf(wait, place.awaited, place.revision);
      if (!gone) return undefined;
    } else await renew(wait);
    seen = new Moment();
    place = await find(wait, place, gone);
  }
  return place && { place, seen, took: seen.age };
}

/** Whether so much of the lease is over that its renewals must have failed: the holder's next one might come too late. */
function isOld({ lease: { confirmed, ttl } }: EtcdSession): boolean {
  return confirmed.age > OLD * ttl;
}

/**
 * How long each of so many members may take to answer, so that all can be asked within a limit, in milliseconds.
 *
 * @param limit `Infinity` for the usual time.
 */
export function timeoutWithin(limit: number, members: number): number {
  return Math.min(PATIENCE, Math.max(MIN_TIMEOUT, limit / members));
}

/** Takes the lock, or a place in the queue if there is time to wait. */
async function enter(wait: Wait): Promise<Place | undefined> {
  const { session, line, deadline, isAsked, isLimited } = wait;
  if (session.place) return await find(wait, session.place);
  const mayWait = !deadline.passed || isAsked && isLimited;
  return session.place = await withLease(wait, (options) => line.enter(mayWait, options));
}

/**
 * Looks where the session stands. If its key exists, the lease has not ended, and sera knows the age of the lease itself. So
 * a waiter need not renew it first; that follows once the lock is held.
 */
async function find(wait: Wait, place: Place, gone: readonly string[] = []): Promise<Place> {
  const { session, line } = wait;
  const found = await withLease(wait, (options) => line.find(place, options, gone));
  if (found) return session.place = found;
  // Somebody may have deleted the key, but not the lease.
  session.destroy();
  throw session.gone();
}

/** Sends a request that etcd refuses if the lease has ended. */
async function withLease<T>(wait: Wait, ask: (options: CallOptions) => Promise<T>): Promise<T> {
  try {
    return await answered(wait, ask);
  } catch (error) {
    throw isLeaseGone(error) ? wait.session.gone() : error;
  }
}

async function renew(wait: Wait): Promise<void> {
  const { session } = wait;
  if (!await answered(wait, ({ signal, timeout }) => session.lease.renew({ signal, timeout }))) throw session.gone();
}

/** Waits until one of the keys may be gone. Returns those that are, as far as known; undefined when the time is over. */
async function goneOf(
  { session, deadline, signal }: Wait,
  keys: Keys,
  revision: bigint,
): Promise<readonly string[] | undefined> {
  using late = new TimeLimit(deadline.remaining, () => new Error("the wait is over"));
  using stale = new TimeLimit(MAX_WATCH_AGE, () => new Error("the watch is old"));
  const ends = AbortSignal.any([signal, session.closed, late.signal, stale.signal]);
  try {
    return await untilGone(session.client, keys, revision, ends);
  } catch (error) {
    const isEndedBy = ({ signal }: TimeLimit) => signal.aborted && signal.reason === ends.reason;
    if (isEndedBy(late)) return undefined;
    if (!isEndedBy(stale)) throw error;
    return [];
  }
}

/** Asks within the time there is. */
async function answered<T>(
  { session, deadline, isAsked, signal }: Wait,
  ask: (options: CallOptions) => Promise<T>,
): Promise<T> {
  const limit = isAsked ? deadline.remaining + LAST_ANSWER : Infinity;
  using late = new TimeLimit(limit, () => {
    const what = `no answer within ${formatDuration(Math.round(limit))}`;
    return LockUnavailableError.on(session.where, { what, cure: "check the server and the network" }, {
      transient: true,
    });
  });
  return await ask({
    signal: AbortSignal.any([signal, session.closed, late.signal]),
    timeout: timeoutWithin(limit, session.client.address.endpoints.length),
  });
}
