import { LockUnavailableError, type Trouble } from "../../../errors.ts";
import type { Dialect } from "../dialect.ts";

/** Words used in advice about the table of leases. */
export const LEASE_WORDS = {
  /** The flag that names another table. */
  flag: "--lease-table",
  /** The command that prints the table's definition. */
  definition: "sera doctor --lease --schema",
} as const;

/** What to do about a table that lacks a column or a key. */
export const REDEFINE =
  `define it as in ${LEASE_WORDS.definition}, or if it belongs to another program, name another one with ` +
  LEASE_WORDS.flag;

/** Used instead of the server's own advice, which is for transactions. */
const UNLOCK = "find out which session keeps it locked (a backup, LOCK TABLE, ALTER TABLE)";

/** What to do about a table with several rows of the same name. */
export const UNIQUE_NAMES = `delete all but one, and make name its primary key: ${LEASE_WORDS.definition}`;

/** The meaning of a database's errors for a table. */
export interface TableErrors extends Pick<Dialect, "isMissing" | "isRefused" | "cureOf"> {
  /** Whether an error says that waiting for others' locks timed out. */
  isLocked(cause: unknown): boolean;
  /** What to do if the user lacks a privilege. */
  readonly grant: string;
  /** What to do if the missing privilege is not one on the table itself. */
  grantOf?(cause: unknown): string | undefined;
}

/**
 * Makes the error for a table of leases that cannot be used.
 *
 * @param shown The table as messages name it.
 * @param cause The database's error. Its cure for connections is replaced by one for tables, if there is one.
 */
export function leaseFailure(
  shown: string,
  { what, cure }: Trouble,
  cause?: LockUnavailableError,
): LockUnavailableError {
  const about = { transient: cause?.transient, cause: cause?.cause };
  return new LockUnavailableError(`Cannot use the leases in ${shown}: ${what}`, cure ?? cause?.cure, about);
}

/**
 * Explains a statement's error as one of the table of leases. Transient errors, such as the end of a connection, are not
 * the table's fault, unless it is locked.
 *
 * @param error What was thrown.
 */
export function explained(shown: string, error: unknown, errors: TableErrors): unknown {
  if (!(error instanceof LockUnavailableError)) return error;
  const { cause, reason, why } = error;
  if (errors.isLocked(cause)) {
    return leaseFailure(shown, { what: `others keep it locked (${why})`, cure: UNLOCK }, error);
  }
  if (error.transient) return error;
  if (errors.isMissing("column", cause)) {
    return leaseFailure(shown, { what: reason, cure: REDEFINE }, error);
  }
  const cure = errors.cureOf(cause) ?? (errors.isRefused(cause) ? errors.grantOf?.(cause) ?? errors.grant : undefined);
  return leaseFailure(shown, { what: reason, cure }, error);
}
