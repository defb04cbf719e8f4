import type { LockSession } from "../../lock/lock.ts";
import type { Outcome } from "./batch.ts";
import type { EndRun } from "./ending.ts";
import type { QueryOptions } from "./query_options.ts";
import type { Row } from "./row.ts";
import type { Statement } from "./statement.ts";

/**
 * Where statements on sera's tables get their session settings from.
 *
 * - `session`: set once for the session.
 * - `statement`: each statement sets its own and leaves none behind, for poolers that hand the session to others after each
 *   transaction.
 * - `already set`: set when the session was opened.
 */
export type SettingsFrom = "session" | "statement" | "already set";

/** Runs statements on a database, in one session or over the current connection. */
export interface Querier {
  /** The server, for messages. */
  readonly where: string;
  /**
   * Runs one statement, which commits itself.
   *
   * @throws {LockUnavailableError} When it fails or is not answered; its cause is the database's error.
   */
  queryAll(statement: Statement, options?: QueryOptions): Promise<readonly Row[]>;
  /**
   * Runs statements in one message, see `Session.batch()`; absent where each has to be sent separately.
   *
   * @throws {LockUnavailableError} When there is no connection to send them over.
   */
  batch?(statements: readonly Statement[], options?: QueryOptions): Promise<readonly Outcome[]>;
  /** Whether the server takes several statements in one message; by default it does. */
  readonly takesSeveral?: boolean;
  /** By default `session`. */
  readonly settingsFrom?: SettingsFrom;
  /** Absent where the lock cannot be released along with the end of a run. */
  readonly endRun?: EndRun | undefined;
}

/**
 * The lock's session, for running statements.
 *
 * @throws {TypeError} When the session is not one of a database.
 */
export function querierOf(session: LockSession | undefined): Querier {
  if (session !== undefined && isQuerier(session)) return session;
  throw new TypeError("a lock of a database has a session");
}

function isQuerier(session: LockSession): session is LockSession & Querier {
  return "queryAll" in session;
}
