import { LockUnavailableError, TroubleError, troubleOf } from "../../errors.ts";
import { systemCure } from "../../system/limits.ts";

const TO_FIT =
  "fix the trigger, constraint or column of the table that causes it, or move the file away to start afresh";

/**
 * SQLite's codes for a violated constraint, also by a trigger, and a value of a wrong type.
 * https://www.sqlite.org/rescode.html
 */
const UNFIT = [19, 20];

/** SQLite's codes for a damaged file, and one that is not a database. */
const DAMAGED = [11, 26];

function isOneOf(codes: readonly number[], cause: unknown): boolean {
  return codes.includes(Number(Object(cause).errcode) & 0xff);
}

/** Whether an error is permanent: it recurs until somebody changes the file or the values. */
export function isPermanentSqliteError(cause: unknown): boolean {
  return isOneOf([...UNFIT, ...DAMAGED], cause);
}

/** Cures by SQLite's message. */
const SQLITE_CURES: readonly (readonly [RegExp, string])[] = [
  [/disk I\/O error/, "check the limit on file size (ulimit -f), and the system's log for disk errors"],
  [/disk is full/, "free some space there"],
  [/not a database|malformed/, "restore it, or move it away to start afresh"],
  [/unable to open database file/, "check its folder, and the limit of open files (ulimit -n)"],
];

/** The error for a ledger that cannot be used. */
export function ledgerError(shown: string, error: unknown): LockUnavailableError {
  const { what: said, cure: known } = troubleOf(error);
  const cure = known ?? systemCure(error) ??
    (isOneOf(UNFIT, error) ? TO_FIT : SQLITE_CURES.find(([pattern]) => pattern.test(said))?.[1]);
  // These may pass: another process is writing, or the disk is full.
  const transient = /database is locked|database or disk is full/.test(said);
  const about = { transient, why: said, cause: error };
  return new LockUnavailableError(`Cannot use the ledger ${shown}: ${said}`, cure, about);
}

/** Why a shared ledger, which is replaced as a whole, cannot be replaced in a sticky folder. */
export function stickyFolder(folder: string): TroubleError {
  return new TroubleError("its folder is sticky, so only the file's owner can replace it", `chmod -t ${folder}`);
}
