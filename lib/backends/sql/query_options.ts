/** How one statement is run. */
export interface QueryOptions {
  /** How long the server may take for the statement, in addition to the usual time for an answer, in milliseconds. */
  readonly serverTime?: number;
  /** Aborts the statement, and the connection with it. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Whether MySQL's answer without rows is returned as one row: `affected`, the number of rows found; `last_id`, the
   * argument of `LAST_INSERT_ID()`; and `warnings`, their number.
   */
  readonly counts?: boolean;
}
