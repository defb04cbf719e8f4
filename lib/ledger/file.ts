import { DatabaseSync } from "node:sqlite";
import { LockUnavailableError, messageOf } from "../errors.ts";
import { LONGEST_TEXT, textFrom } from "../foreign.ts";
import { lstatIfThere } from "../if_there.ts";
import { systemCure } from "../system_cure.ts";
import type { LockFolder } from "../lock/lock_folder.ts";
import { makePlainFile, objectionToFile } from "../lock/plain_file.ts";
import type { Row } from "../lock/session.ts";
import type { Dialect } from "./dialect.ts";
import { fromHex } from "../sql/hex.ts";
import type { Store } from "./ledger_table.ts";
import type { Patience } from "./patience.ts";
import { SQLITE } from "../sql/spelling.ts";
import { identifier, sql } from "../sql/statement.ts";

/** The ledger's file, beside the lock files. */
const FILE = "ledger.sqlite";

/**
 * How the file is used. SQLite's own way to wait for others would keep everything waiting, signals too. What its schema
 * says is somebody else's word, and may call nothing that does more than reckon.
 */
const PRAGMAS = sql`PRAGMA busy_timeout = 0; PRAGMA synchronous = EXTRA; PRAGMA trusted_schema = OFF;`;

/** As the strings that SQLite's functions take and give sort by themselves: UTC, in milliseconds. */
const TIME = "%Y-%m-%d %H:%M:%f";

const TO_FIT = "correct that: a trigger, a constraint or a column of the table, or move it away to begin anew";

/** What SQLite says of a constraint or a trigger, and of a value of another kind. https://www.sqlite.org/rescode.html */
const UNFIT = [19, 20];

/** What it says of a file that is damaged, or is none of SQLite's. */
const SPOILT = [11, 26];

function isOneOf(codes: readonly number[], cause: unknown): boolean {
  return codes.includes(Number(Object(cause).errcode) & 0xff);
}

/** The ledger in a file of SQLite. */
function sqliteDialect(path: string): Dialect {
  return {
    spelling: SQLITE,
    table: sql`sera_runs`,
    shown: path,
    indexName: (what) => identifier(`by_${what}`),
    // Without the last word SQLite gives numbers of deleted rows again.
    id: sql`INTEGER PRIMARY KEY AUTOINCREMENT`,
    types: {
      version: sql`INTEGER NOT NULL DEFAULT 1`,
      lock_name: sql`TEXT NOT NULL`,
      run_key: sql`TEXT NULL`,
      label: sql`TEXT NOT NULL DEFAULT ''`,
      host: sql`TEXT NOT NULL DEFAULT ''`,
      pid: sql`INTEGER NOT NULL DEFAULT 0`,
      session_id: sql`INTEGER NOT NULL DEFAULT 0`,
      user_name: sql`TEXT NOT NULL DEFAULT ''`,
      started: sql`TEXT NOT NULL`,
      finished: sql`TEXT NULL`,
      exit_code: sql`INTEGER NULL`,
      outcome: sql`TEXT NOT NULL`,
      expires: sql`TEXT NULL`,
    },
    tableOptions: sql``,
    inlineIndexes: false,
    now: sql`strftime(${TIME}, 'now')`,
    after: (milliseconds) => sql`strftime(${TIME}, 'now', ${`${(milliseconds / 1000).toFixed(3)} seconds`})`,
    // A file has no sessions; the process is what holds the lock.
    session: sql`${Deno.pid}`,
    // By bytes, four for a character at most: a column may hold anything.
    readText: (column) =>
      sql`CASE WHEN ${column} IS NOT NULL THEN hex(substr(CAST(${column} AS BLOB), 1, ${4 * (LONGEST_TEXT + 1)})) END`,
    decodeText: (value) => textFrom(fromHex(value)),
    isExactly: (column, text) => sql`${column} = ${text}`,
    readNumber: (column) => sql`CASE typeof(${column}) WHEN 'integer' THEN CAST(${column} AS TEXT) END`,
    readTime: (column) => sql`CAST(round(1000 * unixepoch(${column}, 'subsec')) AS INTEGER)`,
    isMissing: (what, cause) =>
      what !== "schema" &&
      (what === "table" ? /^no such table/ : /no such column|no column named/).test(messageOf(cause)),
    isThereAlready: (cause) => /already exists|duplicate column name/.test(messageOf(cause)),
    // It says the same of a disk that is full, which then is said once more.
    idTrouble: (cause) => /^database or disk is full/.test(messageOf(cause)) ? "none left" : undefined,
    whyForgetful: () => undefined,
    isUnfitText: () => false,
    nextId: sql`MAX(id) + 1`,
    countOn: "set the number of sera_runs in its table sqlite_sequence to the highest one",
    isLasting: (cause) => isOneOf([...UNFIT, ...SPOILT], cause),
    isRefused: () => false,
    grant: "",
    cureOf: () => undefined,
    grantToRead: "",
    cureOfForeign: "move it away to begin anew",
    clock: "machine",
  };
}

/** What SQLite puts beside a file, and takes for its own whoever has put it there: it even removes files that one names. */
const SIDE_FILES = ["-journal", "-wal", "-shm"];

function open(folder: LockFolder, path: string): DatabaseSync {
  refuseForeign(folder, path);
  // Not left to SQLite, which would follow a link.
  makePlainFile(path, folder);
  const database = new DatabaseSync(path);
  try {
    database.exec(PRAGMAS.textFor(SQLITE));
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Nobody else can put anything into the folder now, but somebody may have done so before it was closed to others. */
function refuseForeign(folder: LockFolder, path: string): void {
  for (const file of ["", ...SIDE_FILES].map((end) => `${path}${end}`)) {
    const info = lstatIfThere(file);
    const objection = info && objectionToFile(info, file, folder);
    if (objection !== undefined) throw new Error(file === path ? objection : `${file}: ${objection}`);
  }
}

/** A store in a file. Disposing of it closes the file. */
export type FileStore = Store & Disposable;

/**
 * The ledger in a file beside the locks. SQLite puts back what a crash has left half written; each statement is on the
 * disk before it is answered.
 *
 * @param folder Not one that a group shares: SQLite goes by names, and trusts what lies beside its file.
 * @param patience How to wait while another process writes.
 * @param shown The path in messages.
 */
export function fileStore(folder: LockFolder, patience: Patience, shown = ledgerPath(folder)): FileStore {
  const path = ledgerPath(folder);
  let database: DatabaseSync | undefined;
  return {
    dialect: sqliteDialect(shown),
    async run(statement) {
      const text = statement.textFor(SQLITE);
      const attempt = () => {
        // Who only reads makes no file.
        if (!database && text.startsWith("SELECT") && !lstatIfThere(path)) {
          throw new Error("no such table: there is no ledger yet");
        }
        database ??= open(folder, path);
        return database.prepare(text).all() as Row[];
      };
      try {
        return await patience.whileBusy(attempt);
      } catch (error) {
        throw ledgerError(shown, error);
      }
    },
    [Symbol.dispose]() {
      database?.close();
      database = undefined;
    },
  };
}

/** Where the ledger of a folder is. */
export function ledgerPath(folder: LockFolder): string {
  return `${folder.path}/${FILE}`;
}

/** What to do against what SQLite says. */
const SQLITE_CURES: readonly (readonly [RegExp, string])[] = [
  [/disk I\/O error/, "see the limit of a file's size (ulimit -f), and the system's log about the disk"],
  [/disk is full/, "make room there"],
  [/not a database|malformed/, "restore it, or move it away to begin anew"],
  [/unable to open database file/, "see to its folder, and to the limit of open files (ulimit -n)"],
];

/** The error for a ledger that cannot be used. */
export function ledgerError(shown: string, error: unknown): LockUnavailableError {
  const said = messageOf(error);
  const cure = systemCure(error) ??
    (isOneOf(UNFIT, error) ? TO_FIT : SQLITE_CURES.find(([pattern]) => pattern.test(said))?.[1]);
  const reason = cure === undefined ? said : `${said}; ${cure}`;
  // Another process keeps it locked, or others have to make room first.
  const mayPass = /database is locked|database or disk is full/.test(said);
  const wrapped = new LockUnavailableError(`Cannot use the ledger ${shown}: ${reason}`, mayPass, reason);
  wrapped.cause = error;
  return wrapped;
}
