import { LockUnavailableError } from "../../errors.ts";
import { exactFrom } from "../../text/untrusted.ts";
import type { Querier } from "../sql/querier.ts";
import type { Outcome } from "../sql/batch.ts";
import { leaseFailure, UNIQUE_NAMES } from "../sql/lease/failure.ts";
import type { Claim } from "../sql/lease/row.ts";
import type { Row } from "../sql/row.ts";
import type { Statement } from "../sql/statement.ts";
import { claimLease, inAscii, insertLease } from "./lease_sql.ts";
import type { LeaseStatements } from "./lease_statements.ts";
import { isOfTable, isUnencodable } from "./table_errors.ts";

/** Claims leases in one table. */
export class LeaseClaims {
  readonly #table: Statement;
  readonly #statements: LeaseStatements;

  constructor(table: Statement, statements: LeaseStatements) {
    this.#table = table;
    this.#statements = statements;
  }

  /**
   * Claims a lease whose row exists; further statements go with it in the same message.
   *
   * @param above As for `LeaseTable.claim()`.
   * @returns The fencing token, as `LeaseTable.claim()` does; and the outcomes of the other statements, if they were sent.
   */
  async claim(
    querier: Querier,
    claim: Claim,
    above: Statement | undefined,
    then: readonly Statement[] = [],
  ): Promise<{ readonly fence: bigint | undefined; readonly outcomes: readonly Outcome[] }> {
    const acquire = () => this.#acquire(querier, claim, above, claimLease, then);
    const { rows, outcomes } = await this.#statements.orMissing(acquire) ?? { rows: [], outcomes: [] };
    if (rows.length > 1) {
      throw leaseFailure(this.#statements.shown, {
        what: "it has several rows with the same name",
        cure: UNIQUE_NAMES,
      });
    }
    return { fence: exactFrom(rows[0]?.fence), outcomes };
  }

  /** Inserts the row of a lease, see `LeaseTable.insert()`; returns it if there was none before. */
  insert(
    querier: Querier,
    claim: Claim,
    above: Statement | undefined,
    then: readonly Statement[],
  ): Promise<{ readonly rows: readonly Row[]; readonly outcomes: readonly Outcome[] }> {
    return this.#acquire(querier, claim, above, insertLease, then);
  }

  /**
   * Claims or inserts. A ledger that does not exist, or that this role may not read, has given out no number. Characters of
   * the host and the label that the database's encoding lacks are replaced.
   */
  async #acquire(
    querier: Querier,
    claim: Claim,
    above: Statement | undefined,
    statement: typeof claimLease,
    then: readonly Statement[],
  ): Promise<{ readonly rows: readonly Row[]; readonly outcomes: readonly Outcome[] }> {
    let [fit, over] = [claim, above];
    for (;;) {
      try {
        return await this.#statements.askAnd(querier, statement(this.#table, fit, over), then);
      } catch (error) {
        if (!(error instanceof LockUnavailableError)) throw error;
        if (fit === claim && isUnencodable(error.cause)) fit = inAscii(claim);
        else if (over !== undefined && isOfTable(error.cause)) over = undefined;
        else throw error;
      }
    }
  }
}
