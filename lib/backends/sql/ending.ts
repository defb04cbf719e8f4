import { COLUMNS } from "./schema.ts";
import { join, sql, type Statement } from "./statement.ts";
import type { LedgerColumn } from "./dialect.ts";

/** An update of one row of the ledger. */
export interface Ending {
  /** The ledger's table. */
  readonly table: Statement;
  /** The new values of columns; they name no columns, which both tables may have. */
  readonly assignments: Readonly<Partial<Record<LedgerColumn, Statement>>>;
  /** The values by which the row is found. */
  readonly condition: Readonly<Partial<Record<LedgerColumn | "id", Statement>>>;
}

/**
 * The assignments of an ending.
 *
 * @param prefix What goes before the columns' names, where a statement has several tables.
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
