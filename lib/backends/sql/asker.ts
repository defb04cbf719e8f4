import type { LockSession } from "../../lock/lock.ts";
import type { Ending } from "./ending.ts";
import type { QueryOptions } from "./session.ts";
import type { Row } from "./row.ts";
import type { Statement } from "./statement.ts";

/**
 * Where statements on sera's tables get the settings that they need from.
 *
 * - `session`: they are set once, and stay with the session.
 * - `statement`: each statement brings its own, and leaves nothing behind, as a pooler demands that hands the session to
 *   others after each transaction.
 * - `already set`: whoever opened the session has set them.
 */
export type SettingsFrom = "session" | "statement" | "already set";

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
  /** By default `session`. */
  readonly settingsFrom?: SettingsFrom;
  /**
   * Records the end of a run, and gives the lock back with it: both or neither.
   *
   * @returns Whether that is done.
   * @throws {LockUnavailableError} When that is not known.
   */
  readonly endRun?: (ending: Ending) => Promise<boolean>;
}

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
