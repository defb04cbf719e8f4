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
   * @param first Gives what came of it when it was sent together with others: then that is the first try.
   * @throws {LockUnavailableError} When it fails; its cause is the database's error.
   */
  run(statement: Statement, first?: () => Promise<readonly Row[]>): Promise<readonly Row[]>;
  /**
   * Runs statements in one message, as `Session.batch()` does; absent where each has to be sent by itself.
   *
   * @throws {LockUnavailableError} When none of them can be run.
   */
  readonly batch?: ((statements: readonly Statement[]) => Promise<readonly Outcome[]>) | undefined;
  /** If it is not done, or fails, the end is recorded by itself. */
  readonly end?: EndRun | undefined;
}
