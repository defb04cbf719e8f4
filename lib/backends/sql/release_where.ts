import type { Row } from "./row.ts";
import type { Statement } from "./statement.ts";

/** A statement of a batch that releases a session lock where a condition holds. */
export interface ReleaseWhere {
  readonly statement: Statement;
  /** A statement to be run next, which tells somebody who waits; its failure does not matter. Absent if none is needed. */
  readonly then?: Statement | undefined;
  /**
   * Reads its answer.
   *
   * @returns Whether the session had the lock; undefined if the condition did not hold, so that nothing was released.
   */
  readonly wasHeld: (rows: readonly Row[]) => boolean | undefined;
}
