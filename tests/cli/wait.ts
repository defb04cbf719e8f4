/** Waiting on conditions: a test never goes on because some time has passed. */

/** Far more than anything takes here, even on a busy machine; only a failing test waits so long. */
const DEADLINE_MS = 20_000;
const POLL_MS = 10;

/**
 * Resolves with what `look` gives as soon as that is truthy.
 *
 * @param what What is waited for, for the error when it does not come.
 */
export async function until<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`not within ${DEADLINE_MS / 1000} s: ${what}`);
    await pause(POLL_MS);
  }
}

/** For looking again a little later, and for measuring over a span; never for "it will have happened by then". */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
