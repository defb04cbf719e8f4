import { splayedPause } from "../lib/lock/splay.ts";

/**
 * The splay, in milliseconds, with which this host pauses for some time before it asks for a lock: for so long at least,
 * and for hardly longer.
 *
 * @param pause Milliseconds.
 * @param lock The lock's name.
 */
export function splayFor(pause: number, lock: string): number {
  const share = splayedPause(2 ** 40, Deno.hostname(), lock) / 2 ** 40;
  return Math.ceil((pause + 1) / share);
}
