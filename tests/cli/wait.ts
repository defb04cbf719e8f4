/** Waiting on conditions: a test never goes on because some time has passed. */

/**
 * After so many milliseconds something hangs: far more than anything takes, also on a slow and busy machine, so that only a
 * failing test takes so long. How fast something is is the bench's to tell.
 */
export const HANG = 180_000;
const POLL_MS = 10;
/** What takes longer than this is looked for less often: each look is work for the machine that is waited for. */
const SOON_MS = 500;
const LATE_POLL_MS = 50;

/**
 * Resolves with what `look` gives as soon as that is truthy.
 *
 * @param what The awaited event, for the error message.
 */
export async function until<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>> {
  const began = Date.now();
  for (;;) {
    const found = await look();
    if (found) return found;
    const waited = Date.now() - began;
    if (waited > HANG) throw new Error(`not within ${HANG / 1000} s: ${what}`);
    await pause(waited < SOON_MS ? POLL_MS : LATE_POLL_MS);
  }
}

/** For looking again a little later, and for measuring over a span; never for "it will have happened by then". */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
