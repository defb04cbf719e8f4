import type { Outcome } from "./batch.ts";
import type { Dialect } from "./dialect.ts";
import type { EndRun } from "./ending.ts";
import type { Row } from "./row.ts";
import type { Statement } from "./statement.ts";

/** Runs statements on a ledger's table. */
export interface Store {
  readonly dialect: Dialect;
  /**
   * Runs one statement, and commits it.
   *
   * @param first Returns its result if it was already sent together with others; that is then the first attempt.
   * @throws {LockUnavailableError} When it fails; its cause is the database's error.
   */
  run(statement: Statement, first?: () => Promise<readonly Row[]>): Promise<readonly Row[]>;
  /**
   * Runs statements in one message, as `Session.batch()` does; absent where each has to be sent separately.
   *
   * @throws {LockUnavailableError} When none of them can be run.
   */
  readonly batch?: ((statements: readonly Statement[]) => Promise<readonly Outcome[]>) | undefined;
  /** Records an end and releases the lock; if it does not or fails, the end is recorded separately. */
  readonly end?: EndRun | undefined;
}
