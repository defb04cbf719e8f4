/**
 * What a sera tells those that it starts of the locks that it holds, in one variable, for one that waited for a lock of a
 * sera above it would wait for itself. Each sera adds an entry: the lock's name, its own number, for how long the system
 * had been up when it got the lock, in seconds, where the lock is, and if a session holds it what the server calls that
 * and what tells the server from others.
 */

import type { Backend } from "../backends/backend.ts";
import type { LockSession } from "../lock/lock.ts";

/** The variable. */
export const HELD_LOCKS = "SERA_HELD_LOCKS";

/** A lock that a sera held when it started a command. */
export interface HeldAbove {
  readonly lock: string;
  /** The number of that sera. */
  readonly pid: number;
  /** When it had the lock, in seconds since the system's start. */
  readonly since: number;
  readonly place: string;
  /** The number of the session that holds it, and what tells its server from others; undefined where none does. */
  readonly session?: { readonly number: number; readonly serverMark: string } | undefined;
}

/**
 * The variable's value for a command.
 *
 * @param above What this sera found there.
 * @param session What holds the lock, where a session does.
 */
export function withLock(
  above: string | undefined,
  lock: string,
  server: Pick<Backend, "identity">,
  session?: LockSession,
): string {
  const { number, serverMark } = session ?? {};
  const holder = number === undefined ? [] : [number, encodeURIComponent(serverMark ?? "")];
  const entry = [lock, Deno.pid, Deno.osUptime(), encodeURIComponent(server.identity), ...holder].join(":");
  return above === undefined ? entry : `${above} ${entry}`;
}

/** The entries for a lock. What is none, for anybody may have written the variable, does not count. */
export function entriesFor(lock: string, above: string): readonly HeldAbove[] {
  return above.split(" ").map((entry) => entry.split(":")).flatMap((parts) => {
    const [name, pid, since, place, number, mark] = parts;
    if (name !== lock || place === undefined || !/^[1-9]\d{0,9}$/.test(pid!) || !/^\d{1,12}$/.test(since!)) return [];
    const isKnown = mark !== undefined && /^\d{1,15}$/.test(number!);
    const session = isKnown ? { number: Number(number), serverMark: mark } : undefined;
    return [{ lock, pid: Number(pid), since: Number(since), place, session }];
  });
}
