import { rowsIfAny } from "./batch.ts";
import type { LedgerTable } from "./ledger_table.ts";
import type { Row } from "./row.ts";
import type { Statement } from "./statement.ts";

/** A statement that goes to the server in one message with others. */
export interface Asked {
  /** Its rows, if they are known already. */
  readonly known: readonly Row[] | undefined;
  /**
   * Its rows. The first of the statements sends all of them. What fails, and what comes after that, is sent again by
   * itself, as by `LedgerTable.ask()`. To be called in order.
   *
   * @throws {LockUnavailableError} When it fails.
   */
  rows(): Promise<readonly Row[]>;
}

/**
 * Statements for a writer that go to the server in one message, where the store can send one; otherwise each is sent when
 * its rows are asked for.
 *
 * @param statements Only the first may be one that must not be run twice.
 * @param creates As for `LedgerTable.ask()`.
 */
export function together(
  table: LedgerTable,
  statements: readonly Statement[],
  creates = true,
): readonly Asked[] {
  const batch = statements.length > 1 ? table.batch : undefined;
  const { brief = (statement) => statement } = table.dialect;
  let outcomes: Awaited<ReturnType<NonNullable<typeof batch>>> = [];
  // What comes after a failure may have been run without what it needs.
  const outcome = (index: number) =>
    outcomes.slice(0, index).some((before) => !rowsIfAny(before)) ? undefined : outcomes[index];
  return statements.map((statement, index) => ({
    get known() {
      return rowsIfAny(outcome(index));
    },
    rows() {
      const first = async () => {
        if (index === 0) {
          outcomes = await batch!(statements.map((statement, index) => index === 0 ? statement : brief(statement)));
        }
        const result = outcome(index)!;
        if ("error" in result) throw result.error;
        return result.rows;
      };
      return table.ask(statement, creates, batch && (index === 0 || outcome(index)) ? first : undefined);
    },
  }));
}
