/** How one statement is run. */
export interface QueryOptions {
  /** How long the server may work on the statement before the time for its answer begins, in milliseconds. */
  readonly serverTime?: number;
  /** Aborts the statement, and the connection with it. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Whether MySQL's answer without rows counts as one row, of what it says: `affected`, the rows that were found;
   * `last_id`, the argument of `LAST_INSERT_ID()`; and `warnings`, their number.
   */
  readonly counts?: boolean;
}
