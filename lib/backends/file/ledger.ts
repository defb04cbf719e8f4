import { DatabaseSync } from "node:sqlite";
import { lstatIfThere } from "../../system/if_there.ts";
import type { LockFolder } from "./lock_folder.ts";
import { makePlainFile, objectionToFile } from "./plain_file.ts";
import type { Row } from "../sql/session.ts";
import { SQLITE } from "../sql/spelling.ts";
import { sql } from "../sql/statement.ts";
import type { Store } from "../sql/ledger_table.ts";
import type { Patience } from "../../ledger/patience.ts";
import { whileBusy } from "./busy.ts";
import { sqliteDialect } from "./sqlite_dialect.ts";
import { TroubleError } from "../../errors.ts";
import { ledgerError } from "./sqlite_errors.ts";

/** The ledger's file, beside the lock files. */
const FILE = "ledger.sqlite";

/**
 * How the file is used. SQLite's own way to wait for others would keep everything waiting, signals too. What its schema
 * says is somebody else's word, and may call nothing that does more than reckon.
 */
const PRAGMAS = sql`PRAGMA busy_timeout = 0; PRAGMA synchronous = EXTRA; PRAGMA trusted_schema = OFF;`;

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
    if (objection === undefined) continue;
    throw new TroubleError(file === path ? objection.what : `${file}: ${objection.what}`, objection.cure);
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
        return await whileBusy(patience, attempt);
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
