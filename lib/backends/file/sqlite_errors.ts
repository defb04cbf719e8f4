import { LockUnavailableError, troubleOf } from "../../errors.ts";
import { systemCure } from "../../system/limits.ts";

const TO_FIT = "correct that: a trigger, a constraint or a column of the table, or move it away to begin anew";

/** What SQLite says of a constraint or a trigger, and of a value of another kind. https://www.sqlite.org/rescode.html */
const UNFIT = [19, 20];

/** What it says of a file that is damaged, or is none of SQLite's. */
const SPOILT = [11, 26];

function isOneOf(codes: readonly number[], cause: unknown): boolean {
  return codes.includes(Number(Object(cause).errcode) & 0xff);
}

/** Whether it will say so again until somebody changes the table or the values. */
export function isLastingOfSqlite(cause: unknown): boolean {
  return isOneOf([...UNFIT, ...SPOILT], cause);
}

/** What to do against what SQLite says. */
const SQLITE_CURES: readonly (readonly [RegExp, string])[] = [
  [/disk I\/O error/, "see the limit of a file's size (ulimit -f), and the system's log about the disk"],
  [/disk is full/, "make room there"],
  [/not a database|malformed/, "restore it, or move it away to begin anew"],
  [/unable to open database file/, "check its folder, and the limit of open files (ulimit -n)"],
];

/** The error for a ledger that cannot be used. */
export function ledgerError(shown: string, error: unknown): LockUnavailableError {
  const { what: said, cure: known } = troubleOf(error);
  const cure = known ?? systemCure(error) ??
    (isOneOf(UNFIT, error) ? TO_FIT : SQLITE_CURES.find(([pattern]) => pattern.test(said))?.[1]);
  // Another process keeps it locked, or others have to make room first.
  const transient = /database is locked|database or disk is full/.test(said);
  const about = { transient, why: said, cause: error };
  return new LockUnavailableError(`Cannot use the ledger ${shown}: ${said}`, cure, about);
}
