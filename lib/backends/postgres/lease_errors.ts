import { LEASE_WORDS, type TableErrors } from "../sql/lease/failure.ts";
import { cureOf, grantOn, isMissing, isRefused } from "./table_errors.ts";

/** What errors mean for a table of leases. */
export const LEASE_ERRORS: TableErrors = {
  isMissing,
  isRefused,
  cureOf: (cause) => cureOf(cause, LEASE_WORDS),
  grant: grantOn("sera_leases", LEASE_WORDS, "SELECT, INSERT and UPDATE"),
};
