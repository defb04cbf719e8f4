import { LockUnavailableError } from "../../errors.ts";
import type { Row, Session } from "./session.ts";
import type { Statement } from "./statement.ts";

/**
 * Asks for what a user may not be allowed to see, or what a server may not have.
 *
 * @returns No rows then.
 * @throws {LockUnavailableError} When the connection is lost.
 */
export async function askIfAllowed(
  session: Session,
  statement: Statement,
  signal: AbortSignal,
): Promise<readonly Row[]> {
  return await askOrRefused(session, statement, signal) ?? [];
}

/** As {@linkcode askIfAllowed}, but tells a refusal, as undefined, from there being no rows. */
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
