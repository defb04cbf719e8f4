/**
 * What errors of MySQL and MariaDB say about one of sera's tables, by number.
 *
 * @see https://dev.mysql.com/doc/mysql-errors/8.0/en/
 * @module
 */

/** What does not exist. */
const MISSING = { schema: 1049, table: 1146, column: 1054 };
const NO_DATABASE = 1046;
const THERE_ALREADY = [1050, 1060, 1061];
/** Another row has the same key. */
const DUPLICATE = 1062;
/** Rolled back in favour of another transaction: a deadlock, a failed certification, a row changed meanwhile. */
const BROKEN_OFF = [1213, 1020, 3101];
/** A lock wait timeout; a statement that was killed or too slow. */
const LOCKED = 1205;
const TOO_LATE = [LOCKED, 3572, 1317, 1969, 3024];
/** A missing privilege for a command, column, table or database. */
const REFUSED = [1142, 1143, 1044, 1227];

/**
 * A value that the table will never accept: a text too long, a value outside an ENUM, a missing partition, a constraint, a
 * trigger, a view.
 */
const PERMANENT = [
  ...[1048, 1062, 1264, 1265, 1288, 1292, 1356, 1364, 1366, 1369, 1370, 1406, 1449, 1451, 1452, 1471, 1526, 1644, 1748],
  ...[3819, 4025],
];

/**
 * A character that the column's character set lacks, when it is written or searched for: in a table that an
 * administrator created with another character set.
 */
const UNFIT_TEXT = [1366, 1300, 3854, 3988, 1267];

/** The parts of advice about a table. */
export interface TableAdvice {
  /** What the table holds: "the ledger is". */
  readonly whatIs: string;
  /** The flag that names another table. */
  readonly flag: string;
  /** The command that prints the table's definition. */
  readonly definition: string;
}

/** The server's number of an error; undefined if the error is not the server's. */
export function errorNumber(cause: unknown): number | undefined {
  return (cause as { readonly errno?: number } | undefined)?.errno;
}

/** Whether an error says that this is missing. */
export function isMissing(what: keyof typeof MISSING, cause: unknown): boolean {
  return errorNumber(cause) === MISSING[what];
}

/** Whether an error says that what was to be created already exists. */
export function isThereAlready(cause: unknown): boolean {
  return THERE_ALREADY.includes(errorNumber(cause) ?? 0);
}

/** Whether an error says that a table's name needs a database before it, since the session has none. */
export function needsDatabase(cause: unknown): boolean {
  return errorNumber(cause) === NO_DATABASE;
}

/** Whether an error says that there is such a row already. */
export function isDuplicate(cause: unknown): boolean {
  return errorNumber(cause) === DUPLICATE;
}

/** Whether an error says that the statement was rolled back in favour of another, so that it may be retried at once. */
export function isBrokenOff(cause: unknown): boolean {
  return BROKEN_OFF.includes(errorNumber(cause) ?? 0);
}

/** Whether an error says that waiting for another session's lock timed out. */
export function isLocked(cause: unknown): boolean {
  return errorNumber(cause) === LOCKED;
}

/** Whether a statement failed only because of another transaction, or because it was killed or too slow. */
export function isInterference(cause: unknown): boolean {
  return isBrokenOff(cause) || TOO_LATE.includes(errorNumber(cause) ?? 0);
}

/** Whether an error says that a table is missing, forbidden to this user, or different from what was expected. */
export function isOfTable(cause: unknown): boolean {
  return Object.values(MISSING).includes(errorNumber(cause) ?? 0) || isRefused(cause);
}

/** Whether an error says that the user lacks a privilege. */
export function isRefused(cause: unknown): boolean {
  return REFUSED.includes(errorNumber(cause) ?? 0);
}

/** Whether an error recurs until somebody changes the table, the privileges or the values. */
export function isPermanent(cause: unknown): boolean {
  return isRefused(cause) || PERMANENT.includes(errorNumber(cause) ?? 0);
}

/** Whether an error says that the encoding lacks a character of the text. */
export function isUnencodable(cause: unknown): boolean {
  return UNFIT_TEXT.includes(errorNumber(cause) ?? 0);
}

/** What to do about an error, if that differs for a table and for a lock. */
export function cureOfTable(cause: unknown, { whatIs, flag, definition }: TableAdvice): string | undefined {
  switch (errorNumber(cause)) {
    case 1021:
    case 1114:
      return "free some space on the server";
    case 1290:
    case 1836:
      return `${whatIs} written on the primary only: name the primary, or turn read_only off`;
    case 1264:
    case 1265:
    case 1292:
    case 1364:
    case 1406:
    case 1526:
    case 1644:
    case 3819:
    case 4025:
      return `fix the trigger, constraint or column of the table that causes it (see ${definition})`;
    case 1109:
      return `name a table in your own database with ${flag}`;
    case 1288:
    case 1369:
    case 1471:
      return `make the view writable, or name a table with ${flag}`;
    case 1370:
      return "grant the user EXECUTE on what it calls";
  }
  return undefined;
}
