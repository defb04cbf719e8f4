/**
 * SERA_HELD_LOCKS lists, for the command and all that it starts, the locks held by the outer sera processes. A sera
 * that waits for one of these locks would wait for itself, forever. Each sera adds one entry a lock: the lock's name, its own
 * process number, the system's uptime when it got the lock in seconds, where the lock is, and, if a session holds it, the
 * server's number for the session and the server's mark.
 */

import type { Backend } from "../../backends/backend.ts";
import type { LockSession } from "../../lock/lock.ts";

/** The variable's name. */
export const HELD_LOCKS = "SERA_HELD_LOCKS";

/** A lock that a sera held when it started a command. */
export interface AncestorLock {
  readonly lock: string;
  /** The process number of that sera. */
  readonly pid: number;
  /** When it got the lock, in seconds since the system's start. */
  readonly since: number;
  readonly place: string;
  /** The session that holds the lock, and the mark of its server; undefined if no session does. */
  readonly session?: { readonly number: number; readonly serverMark: string } | undefined;
}

/**
 * The variable's value for a command.
 *
 * @param inheritedLocks The value that this sera was started with.
 * @param locks The names of the locks that it holds.
 * @param session The session that holds them, if one does.
 */
export function withLocks(
  inheritedLocks: string | undefined,
  locks: readonly string[],
  server: Pick<Backend, "identity">,
  session?: LockSession,
): string {
  const { number, serverMark } = session ?? {};
  const holder = number === undefined ? [] : [number, encodeURIComponent(serverMark ?? "")];
  const rest = [Deno.pid, Deno.osUptime(), encodeURIComponent(server.identity), ...holder].join(":");
  return [...inheritedLocks === undefined ? [] : [inheritedLocks], ...locks.map((lock) => `${lock}:${rest}`)].join(" ");
}

/** The entries for a lock. Invalid ones are ignored: anybody may have set the variable. */
export function entriesFor(lock: string, inheritedLocks: string): readonly AncestorLock[] {
  return inheritedLocks.split(" ").map((entry) => entry.split(":")).flatMap((parts) => {
    const [name, pid, since, place, number, mark] = parts;
    if (name !== lock || place === undefined || !/^[1-9]\d{0,9}$/.test(pid!) || !/^\d{1,12}$/.test(since!)) return [];
    const isKnown = mark !== undefined && /^\d{1,15}$/.test(number!);
    const session = isKnown ? { number: Number(number), serverMark: mark } : undefined;
    return [{ lock, pid: Number(pid), since: Number(since), place, session }];
  });
}
