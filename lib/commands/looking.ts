import { LockUnavailableError } from "../errors.ts";

/**
 * Does what only looks, so that its errors do not say that a lock was asked for.
 *
 * @throws {LockUnavailableError} When the server cannot be asked.
 */
export async function looking<T>(look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof LockUnavailableError) || error.where === undefined) throw error;
    throw new LockUnavailableError(`Cannot ask ${error.reason}`, error.cure, error);
  }
}
