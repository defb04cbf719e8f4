import { rowsIfAny } from "./batch.ts";
import type { LedgerTable } from "./ledger_table.ts";
import type { Row } from "./row.ts";
import type { Statement } from "./statement.ts";

/** The answer to a statement that is sent in one message with others. */
export interface PendingAnswer {
  /** Its rows, if they are known already. */
  readonly known: readonly Row[] | undefined;
  /**
   * Its rows. The first call sends all statements. A statement that fails, and those after it, are sent again one by one,
   * as by `LedgerTable.ask()`. Call this in the order of the statements.
   *
   * @throws {LockUnavailableError} When it fails.
   */
  rows(): Promise<readonly Row[]>;
}

/**
 * Sends statements of a writer in one message, if the store can do that; otherwise each is sent when its rows are asked
 * for.
 *
 * @param statements All but the first must be safe to run twice.
 * @param creates As for `LedgerTable.ask()`.
 */
export function askTogether(
  table: LedgerTable,
  statements: readonly Statement[],
  creates = true,
): readonly PendingAnswer[] {
  const batch = statements.length > 1 ? table.batch : undefined;
  const { withShortWait = (statement) => statement } = table.dialect;
  let outcomes: Awaited<ReturnType<NonNullable<typeof batch>>> = [];
  // A statement after a failed one may have been run without what it needs.
  const outcome = (index: number) =>
    outcomes.slice(0, index).some((before) => !rowsIfAny(before)) ? undefined : outcomes[index];
  return statements.map((statement, index) => ({
    get known() {
      return rowsIfAny(outcome(index));
    },
    rows() {
      const first = async () => {
        if (index === 0) {
          outcomes = await batch!(
            statements.map((statement, index) => index === 0 ? statement : withShortWait(statement)),
          );
        }
        const result = outcome(index)!;
        if ("error" in result) throw result.error;
        return result.rows;
      };
      return table.ask(statement, creates, batch && (index === 0 || outcome(index)) ? first : undefined);
    },
  }));
}
