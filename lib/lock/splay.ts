import { lockName } from "./lock_name.ts";

/** How many hexadecimal digits of a hash a number holds exactly. */
const DIGITS = 13;

/**
 * How long a host pauses before it asks for a lock: always the same for the same host, lock and splay, and evenly spread
 * over many hosts, from 0 up to but not including the splay. The order of the hosts differs from lock to lock.
 *
 * @param splay Milliseconds.
 * @param host The host's name.
 * @param lock The lock's name.
 * @returns Whole milliseconds.
 */
export function splayedPause(splay: number, host: string, lock: string): number {
  // Neither name contains a line break, so no two pairs are the same text.
  const hash = lockName(`${host}\n${lock}`).slice(0, DIGITS);
  return Math.floor(splay * (Number.parseInt(hash, 16) / 16 ** DIGITS));
}
