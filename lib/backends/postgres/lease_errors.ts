import { LEASE_WORDS, REDEFINE, type TableErrors } from "../sql/lease/failure.ts";
import { sqlState } from "./errors.ts";
import { cureOf, grantOnSchema, isLocked, isMissing, isRefused } from "./table_errors.ts";

/** No unique index on the column of `ON CONFLICT`. */
const NOT_UNIQUE = "42P10";

/** What sera needs of the table. */
const RIGHTS = "SELECT, INSERT and UPDATE";

/** What errors mean for a table of leases. */
export function leaseErrors(): TableErrors {
  return {
    isLocked,
    isMissing,
    isRefused,
    cureOf: (cause) => sqlState(cause) === NOT_UNIQUE ? REDEFINE : cureOf(cause, LEASE_WORDS),
    grant: `grant the role ${RIGHTS} on it, or have an administrator create it: ${LEASE_WORDS.definition}`,
    grantOf: (cause) => grantOnSchema(cause, LEASE_WORDS, RIGHTS),
  };
}
