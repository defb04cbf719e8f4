import { LockUnavailableError } from "../errors.ts";

/**
 * Runs a query that asks for no lock, so that errors say "Cannot ask" instead of "Cannot lock".
 *
 * @throws {LockUnavailableError} When the server cannot be asked.
 */
export async function asQuery<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await query();
  } catch (error) {
    if (!(error instanceof LockUnavailableError) || error.where === undefined) throw error;
    throw new LockUnavailableError(`Cannot ask ${error.reason}`, error.cure, error);
  }
}
