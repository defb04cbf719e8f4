import { LockUnavailableError } from "../../errors.ts";
import type { Session } from "./session.ts";
import type { Row } from "./row.ts";
import type { Statement } from "./statement.ts";

/**
 * Asks for something that the user may not be allowed to see, or that the server may lack.
 *
 * @returns No rows if the server refuses.
 * @throws {LockUnavailableError} When the connection is lost.
 */
export async function askIfAllowed(
  session: Session,
  statement: Statement,
  signal: AbortSignal,
): Promise<readonly Row[]> {
  return await askOrRefused(session, statement, signal) ?? [];
}

/** Like {@linkcode askIfAllowed}, but returns undefined if the server refuses. */
export async function askOrRefused(
  session: Session,
  statement: Statement,
  signal: AbortSignal,
): Promise<readonly Row[] | undefined> {
  try {
    return await session.queryAll(statement, { signal });
  } catch (error) {
    if (!(error instanceof LockUnavailableError) || session.closed.aborted) throw error;
    return undefined;
  }
}
