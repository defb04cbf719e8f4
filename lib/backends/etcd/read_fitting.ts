import { LockUnavailableError } from "../../errors.ts";

/**
 * Reads fewer at a time when others have written values so long that they do not fit into one answer, and a single one
 * that does not without its value.
 */
export async function readFitting<T>(
  most: number,
  read: (count: number, keysOnly: boolean) => Promise<T>,
): Promise<T> {
  for (let count = most;; count = Math.ceil(count / 2)) {
    try {
      return await read(count, false);
    } catch (error) {
      if (!isTooLong(error)) throw error;
      if (count === 1) return await read(1, true);
    }
  }
}

/** Whether an answer was longer than what is accepted. */
function isTooLong(error: unknown): boolean {
  return error instanceof LockUnavailableError && error.why.includes("more than 1 MiB");
}
