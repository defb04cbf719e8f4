import type { Row } from "./row.ts";
import type { Statement } from "./statement.ts";

/** A statement of a batch that releases a session lock if a condition is true. */
export interface ReleaseWhere {
  readonly statement: Statement;
  /** A statement to run next, which wakes a waiter; its failure does not matter. Absent if none is needed. */
  readonly then?: Statement | undefined;
  /**
   * Reads its answer.
   *
   * @returns Whether the session had the lock; undefined if the condition was false, so that nothing was released.
   */
  readonly wasHeld: (rows: readonly Row[]) => boolean | undefined;
}
