import { COLUMNS } from "./schema.ts";
import { join, sql, type Statement } from "./statement.ts";
import type { Outcome } from "./batch.ts";
import type { LedgerColumn } from "./dialect.ts";
import type { QueryOptions } from "./query_options.ts";
import type { Row } from "./row.ts";

/** An update of a run's row in the ledger, as when it ends. */
export interface Ending {
  /** The ledger's table. */
  readonly table: Statement;
  /** The new values. They must not refer to columns: in a join, both tables may have them. */
  readonly assignments: Readonly<Partial<Record<LedgerColumn, Statement>>>;
  /** The values by which the row is found. */
  readonly condition: Readonly<Partial<Record<LedgerColumn | "id", Statement>>>;
}

/** The end of a run, to be sent in one message with the release of the lock. */
export interface LastEnding extends Ending {
  /** Records it without the release. */
  readonly record: Statement;
  /** The condition that the end has been recorded. */
  readonly isRecorded: Statement;
  /** Reads the run back. Must come before the release: after that, others may delete the run. */
  readonly readBack: Statement;
  /** Statements that need no lock, and come after the release. */
  readonly afterwards: readonly Statement[];
}

/** The result of a {@linkcode LastEnding}. */
export interface Ended {
  /** Whether the lock has been released; then the end is recorded too. */
  readonly isReleased: boolean;
  /** The outcome of {@linkcode LastEnding.record}, if that was sent. */
  readonly record?: Outcome | undefined;
  /** The run as it was read back; undefined if it could not be read. */
  readonly readBack: readonly Row[] | undefined;
  /** An outcome for each of the statements after the release; none if they were not sent. */
  readonly afterwards: readonly Outcome[];
}

/**
 * Records the end of a run, and releases the lock in the same message, but only if the end has been recorded and
 * committed.
 *
 * @throws {LockUnavailableError} When that is not known.
 * @throws The signal's reason when it is aborted.
 */
export type EndRun = (ending: LastEnding, options?: QueryOptions) => Promise<Ended>;

/** The statement that records an end without a release. */
export function recordEnd(ending: Ending): Statement {
  return sql`UPDATE ${ending.table} SET ${assignmentsOf(ending)} WHERE ${conditionOf(ending)}`;
}

/**
 * The assignments of an ending.
 *
 * @param prefix The prefix of column names, where a statement has several tables.
 */
export function assignmentsOf({ assignments }: Ending, prefix: Statement = sql``): Statement {
  return join(equations(assignments, prefix));
}

/** The condition that finds the row of an ending. */
export function conditionOf({ condition }: Ending, prefix: Statement = sql``): Statement {
  return join(equations(condition, prefix), sql` AND `);
}

const NAMES = { ...COLUMNS, id: sql`id` };

function equations(
  values: Readonly<Partial<Record<keyof typeof NAMES, Statement>>>,
  prefix: Statement,
): readonly Statement[] {
  return Object.entries(NAMES).flatMap(([name, column]) => {
    const value = values[name as keyof typeof NAMES];
    return value === undefined ? [] : [sql`${prefix}${column} = ${value}`];
  });
}
