import { LockUnavailableError } from "../../errors.ts";
import type { Querier } from "../sql/querier.ts";
import { type Outcome, rowsIfAny } from "../sql/batch.ts";
import { explained, leaseFailure, type TableErrors } from "../sql/lease/failure.ts";
import { LOCK_WAIT } from "../sql/ledger_statements.ts";
import type { Row } from "../sql/row.ts";
import type { Statement } from "../sql/statement.ts";
import { isBrokenOff, isMissing, isRefused, isThereAlready } from "./table_errors.ts";
import { send, withSettings } from "./table_settings.ts";

/** How many times to send a statement that the server rolls back in favour of another session's. */
const TRIES = 5;

/** Sends statements on the table of leases, each with its settings. Its errors say what to do about the table. */
export class LeaseStatements {
  /** @param shown The table as messages name it. */
  constructor(readonly shown: string, readonly errors: TableErrors) {}

  /** Runs a statement, and repeats it if the server rolls it back in favour of another session's. */
  ask(querier: Querier, statement: Statement): Promise<readonly Row[]> {
    return this.#repeated(() => send(querier, statement));
  }

  /**
   * Like {@linkcode ask}; further statements go with it in the same message, unchanged.
   *
   * @returns The rows of the first, and an outcome for each of the others; none if they could not share a message.
   */
  async askAnd(
    querier: Querier,
    statement: Statement,
    then: readonly Statement[],
  ): Promise<{ readonly rows: readonly Row[]; readonly outcomes: readonly Outcome[] }> {
    if (then.length === 0 || !querier.batch) return { rows: await this.ask(querier, statement), outcomes: [] };
    return await this.#repeated(async () => {
      const [first, ...outcomes] = await querier.batch!([withSettings(statement), ...then], { serverTime: LOCK_WAIT });
      if (!first || "error" in first) throw first?.error;
      return { rows: first.rows, outcomes };
    });
  }

  /** Runs independent statements, in one message if possible; returns the rows of each. */
  async askEach(querier: Querier, [first, ...others]: readonly Statement[]): Promise<readonly (readonly Row[])[]> {
    if (!first) return [];
    const { rows, outcomes } = await this.askAnd(querier, first, others.map(withSettings));
    const all = [rows];
    for (const [index, statement] of others.entries()) {
      // Alone it may succeed, or fail with an error that says what to do about the table.
      all.push(rowsIfAny(outcomes[index]) ?? await this.ask(querier, statement));
    }
    return all;
  }

  /** The rows; undefined if there is no table. */
  async orMissing<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      const cause = error instanceof LockUnavailableError ? error.cause : undefined;
      if (isMissing("table", cause) || isMissing("schema", cause)) return undefined;
      throw error;
    }
  }

  /** Creates the table. It does no harm if another session is faster. */
  async make(querier: Querier, definition: Statement): Promise<void> {
    try {
      await send(querier, definition);
    } catch (error) {
      if (!(error instanceof LockUnavailableError) || error.transient) throw error;
      if (isThereAlready(error.cause)) return;
      const what = `it does not exist yet, and cannot be created: ${error.reason}`;
      throw leaseFailure(this.shown, {
        what,
        cure: isRefused(error.cause) ? this.errors.grantOf?.(error.cause) ?? this.errors.grant : undefined,
      }, error);
    }
  }

  async #repeated<T>(ask: () => Promise<T>): Promise<T> {
    for (let tries = 1;; tries++) {
      try {
        return await ask();
      } catch (error) {
        const again = error instanceof LockUnavailableError && isBrokenOff(error.cause);
        if (!again || tries === TRIES) throw explained(this.shown, error, this.errors);
      }
    }
  }
}
