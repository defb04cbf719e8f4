import type { LockUnavailableError } from "../../../errors.ts";
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
