/**
 * The names of the files that a lock has beside its own: marks, a queue, seats. Each is locked as a lock's file is, but no
 * lock has such a name, and no sera shows them as locks.
 */

/** What follows the lock's name in the name of its file. */
export const LOCK_FILE = ".lock";

/** Locked in shared mode by all who hold a slot. It exists from the day on that the lock first has slots. */
export function marksName(lock: string): string {
  return `${lock}.slots`;
}

/** Locked in shared mode by all who hold one of so many slots. */
export function numberName(lock: string, slots: number): string {
  return `${lock}.of.${slots}`;
}

/** Locked for the moment in which somebody looks at the marks, or takes a slot. */
export function gateName(lock: string): string {
  return `${lock}.gate`;
}

/** What follows the lock's name in that of its queue. */
const QUEUE = ".queue";

/** Locked by the first of those who wait for a slot; the others wait for this lock. */
export function queueName(lock: string): string {
  return lock + QUEUE;
}

/** The lock of which this is the queue; undefined if it is none. */
export function lockOfQueue(name: string): string | undefined {
  return name.endsWith(QUEUE) ? name.slice(0, -QUEUE.length) : undefined;
}

/** Locked for the moment in which somebody looks for a free seat. */
export function seatsName(lock: string): string {
  return `${lock}.seats`;
}

/** Locked by one who waits, where the number of those is limited. */
export function seatName(lock: string, seat: number): string {
  return `${lock}.seat.${seat}`;
}
