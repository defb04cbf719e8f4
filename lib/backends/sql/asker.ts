import type { LockSession } from "../../lock/lock.ts";
import type { Outcome } from "./batch.ts";
import type { EndRun } from "./ending.ts";
import type { QueryOptions } from "./query_options.ts";
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
  /**
   * Runs statements in one message, see `Session.batch()`; absent where each has to be sent by itself.
   *
   * @throws {LockUnavailableError} When there is no connection to send them over.
   */
  batch?(statements: readonly Statement[], options?: QueryOptions): Promise<readonly Outcome[]>;
  /** Whether the server takes several statements in one message; by default it does. */
  readonly takesSeveral?: boolean;
  /** By default `session`. */
  readonly settingsFrom?: SettingsFrom;
  /** Absent where a lock is not given back with the end of a run. */
  readonly endRun?: EndRun | undefined;
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
