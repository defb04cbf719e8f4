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
  for (const statement of statements) outcomes.push(await outcomeOf(run(statement)));
  return outcomes;
}

/** Sends all statements of a batch before the first is answered; an outcome for each. */
export async function allAhead(
  run: (statement: Statement) => Promise<readonly Row[]>,
  statements: readonly Statement[],
): Promise<readonly Outcome[]> {
  return await Promise.all(statements.map((statement) => outcomeOf(run(statement))));
}

async function outcomeOf(rows: Promise<readonly Row[]>): Promise<Outcome> {
  try {
    return { rows: await rows };
  } catch (error) {
    if (error instanceof LockUnavailableError) return { error };
    throw error;
  }
}
