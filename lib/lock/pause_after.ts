/** The shortest and the longest pause, in milliseconds. */
const MIN_PAUSE = 10;
const MAX_PAUSE = 1000;
/** In between, a pause is this fraction of the wait so far, so that polling delays the end of a wait by little of it. */
const FRACTION = 1 / 8;

/** How long a waiter that is the only one to poll pauses, after it has waited this long; in milliseconds. */
export function pauseAfter(waited: number): number {
  return Math.min(Math.max(waited * FRACTION, MIN_PAUSE), MAX_PAUSE);
}
