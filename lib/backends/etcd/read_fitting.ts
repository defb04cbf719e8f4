import { LockUnavailableError } from "../../errors.ts";

/**
 * Reads a page of keys. Reads fewer at a time when other programs have written values too long for one answer; a single
 * key whose value is too long is read without it.
 */
export async function readFitting<T>(
  max: number,
  read: (count: number, keysOnly: boolean) => Promise<T>,
): Promise<T> {
  for (let count = max;; count = Math.ceil(count / 2)) {
    try {
      return await read(count, false);
    } catch (error) {
      if (!isTooLong(error)) throw error;
      if (count === 1) return await read(1, true);
    }
  }
}

/** Whether an answer was longer than sera accepts. */
function isTooLong(error: unknown): boolean {
  return error instanceof LockUnavailableError && error.why.includes("more than 1 MiB");
}
