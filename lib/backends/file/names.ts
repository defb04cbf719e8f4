/**
 * The names of a lock's auxiliary files: markers, a queue, seats. Each is locked like a lock's file, but no lock has such a
 * name, and sera does not show them as locks.
 */

/** The suffix of a lock's file. */
export const LOCK_FILE = ".lock";

/** The marker that every holder of a slot locks in shared mode. It exists once the lock has had slots. */
export function markerName(lock: string): string {
  return `${lock}.slots`;
}

/** The marker that every holder of one of this many slots locks in shared mode. */
export function countMarkerName(lock: string, slots: number): string {
  return `${lock}.of.${slots}`;
}

/** The mutex for testing the markers and taking a slot. */
export function gateName(lock: string): string {
  return `${lock}.gate`;
}

/** The suffix of a queue's name. */
const QUEUE = ".queue";

/** Locked by the first waiter for a slot; the other waiters wait for this lock. */
export function queueName(lock: string): string {
  return lock + QUEUE;
}

/** The lock whose queue has this name; undefined if it is not the name of a queue. */
export function lockOfQueue(name: string): string | undefined {
  return name.endsWith(QUEUE) ? name.slice(0, -QUEUE.length) : undefined;
}

/** The mutex for taking a seat. */
export function seatsName(lock: string): string {
  return `${lock}.seats`;
}

/** One seat: locked by a waiter, where the number of waiters is limited. */
export function seatName(lock: string, seat: number): string {
  return `${lock}.seat.${seat}`;
}
