import { LEASE_WORDS, type TableErrors } from "../sql/lease/failure.ts";
import { cureOfTable, isLocked, isMissing, isRefused, needsDatabase, type TableAdvice } from "./table_errors.ts";

const ADVICE: TableAdvice = { whatIs: "leases are", ...LEASE_WORDS };

/**
 * What errors mean for a table of leases.
 *
 * @param shown The table as messages name it.
 */
export function leaseErrors(shown: string): TableErrors {
  const { flag, definition } = LEASE_WORDS;
  return {
    isLocked,
    isMissing,
    isRefused,
    cureOf(cause) {
      if (!needsDatabase(cause)) return cureOfTable(cause, ADVICE);
      return `name a database in the server setting, or set ${flag} DATABASE.${shown}`;
    },
    grant: `grant the user SELECT, INSERT and UPDATE on it, and CREATE unless you create it by hand: ${definition}`,
  };
}
