import { lockName } from "./lock_name.ts";

/** How many hexadecimal digits of a hash a number holds exactly. */
const DIGITS = 13;

/**
 * How long a host pauses before it asks for a lock: always as long for the same host, lock and splay, and with many hosts
 * evenly spread from 0 up to the splay, which it never reaches. Hosts are not spread in the same order for each lock.
 *
 * @param splay Milliseconds.
 * @param host The host's name, as others see it.
 * @param lock The lock's name.
 * @returns Whole milliseconds.
 */
export function splayedPause(splay: number, host: string, lock: string): number {
  // Neither name contains a line break, so no two pairs are the same text.
  const hash = lockName(`${host}\n${lock}`).slice(0, DIGITS);
  return Math.floor(splay * (Number.parseInt(hash, 16) / 16 ** DIGITS));
}
