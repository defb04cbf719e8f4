import { type LockUnavailableError, TroubleError } from "../../errors.ts";
import type { DriverAnswer } from "./driver.ts";
import type { Row } from "./row.ts";
import type { Statement } from "./statement.ts";

/** What happened to one statement of a batch: its rows, or why it has none. */
export type Outcome = { readonly rows: readonly Row[] } | { readonly error: LockUnavailableError };

/**
 * The rows of an outcome.
 *
 * @throws {LockUnavailableError} When the statement failed.
 */
export function rowsOf(outcome: Outcome): readonly Row[] {
  if ("error" in outcome) throw outcome.error;
  return outcome.rows;
}

/**
 * Runs the statements of a batch one after another; an outcome for each.
 *
 * @param isFailure Whether an error is a statement's failure; any other ends all of it.
 */
export async function oneByOne(
  run: (statement: Statement) => Promise<readonly Row[]>,
  statements: readonly Statement[],
  isFailure: (error: unknown) => error is LockUnavailableError,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const statement of statements) {
    try {
      outcomes.push({ rows: await run(statement) });
    } catch (error) {
      if (!isFailure(error)) throw error;
      outcomes.push({ error });
    }
  }
  return outcomes;
}

/** The rows of an outcome; undefined if the statement failed, or there is no outcome. */
export function rowsIfAny(outcome: Outcome | undefined): readonly Row[] | undefined {
  return outcome && "rows" in outcome ? outcome.rows : undefined;
}

/** Whether a server answered fewer statements than it was sent, though none failed. */
export function isCutShort(answers: readonly DriverAnswer[], statements: number): boolean {
  return answers.length < statements && answers.every((answer) => "rows" in answer);
}

/** The outcomes of statements that were sent together, of which the last ones may have no answer. */
export function outcomesOf(
  answers: readonly DriverAnswer[],
  statements: number,
  wrap: (error: unknown) => LockUnavailableError,
): readonly Outcome[] {
  const outcomes = answers.map((answer) => "rows" in answer ? answer : { error: wrap(answer.error) });
  const last = outcomes.findLast((outcome) => "error" in outcome) ?? {
    error: wrap(new TroubleError("the server did not answer each statement", "connect directly to the server")),
  };
  return Array.from({ length: statements }, (_, index) => outcomes[index] ?? last);
}
