import type { TableName } from "../../ledger/table_name.ts";
import { LEASE_WORDS, REDEFINE, type TableErrors } from "../sql/lease/failure.ts";
import { sqlState } from "./errors.ts";
import { cureOf, grantOn, isLocked, isMissing, isRefused } from "./table_errors.ts";

/** No unique index on the column of `ON CONFLICT`. */
const NOT_UNIQUE = "42P10";

/** What errors mean for a table of leases. */
export function leaseErrors({ name }: TableName): TableErrors {
  return {
    isLocked,
    isMissing,
    isRefused,
    cureOf: (cause) => sqlState(cause) === NOT_UNIQUE ? REDEFINE : cureOf(cause, LEASE_WORDS),
    grant: grantOn(name, LEASE_WORDS, "SELECT, INSERT and UPDATE"),
  };
}
