import type { LockUnavailableError } from "../../../errors.ts";
import type { LockSession } from "../../../lock/lock.ts";
import type { QueryOptions, Row } from "../session.ts";
import type { Statement } from "../statement.ts";

/** Asks a database, in a session of its own or over whatever connection there is now. */
export interface Asker {
  /** The server, for messages. */
  readonly where: string;
  /**
   * Runs one statement, which commits itself.
   *
   * @throws {LockUnavailableError} When it fails or is not answered; its cause is the database's error.
   */
  queryAll(statement: Statement, options?: QueryOptions): Promise<readonly Row[]>;
}

/** Whether an error of an {@linkcode Asker} is of a kind. */
export type IsError = (error: LockUnavailableError) => boolean;

/**
 * Whoever asks the database for a lock, in the lock's session.
 *
 * @throws {TypeError} When the session is not one of a database.
 */
export function askerOf(session: LockSession | undefined): Asker {
  if (session !== undefined && isAsker(session)) return session;
  throw new TypeError("a lock of a database has a session");
}

function isAsker(session: LockSession): session is LockSession & Asker {
  return "queryAll" in session;
}
