import { LockUnavailableError } from "../../errors.ts";

import type { Row } from "./row.ts";
import type { Statement } from "./statement.ts";

/** What became of one statement of a batch: its rows, or why it has none. */
export type Outcome = { readonly rows: readonly Row[] } | { readonly error: LockUnavailableError };

/** Runs the statements of a batch one after another; an outcome for each. */
export async function oneByOne(
  run: (statement: Statement) => Promise<readonly Row[]>,
  statements: readonly Statement[],
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const statement of statements) {
    try {
      outcomes.push({ rows: await run(statement) });
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
      outcomes.push({ error });
    }
  }
  return outcomes;
}
