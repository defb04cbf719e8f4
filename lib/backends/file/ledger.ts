import { DatabaseSync } from "node:sqlite";
import { lstatIfThere } from "../../system/if_there.ts";
import type { LockFolder } from "./lock_folder.ts";
import { makePlainFile, objectionToFile } from "./plain_file.ts";
import type { Row } from "../sql/row.ts";
import { SQLITE } from "../sql/quoting.ts";
import { sql } from "../sql/statement.ts";
import type { Store } from "../sql/store.ts";
import type { Patience } from "../../ledger/patience.ts";
import { whileBusy } from "./busy.ts";
import { sqliteDialect } from "./sqlite_dialect.ts";
import { TroubleError } from "../../errors.ts";
import { ledgerError } from "./sqlite_errors.ts";

/** The ledger's file, next to the lock files. */
const FILE = "ledger.sqlite";

/**
 * No busy timeout: SQLite's own waiting would block everything, signals too. No trusted schema: somebody else may have made
 * it, so it must not call functions with side effects.
 */
const PRAGMAS = sql`PRAGMA busy_timeout = 0; PRAGMA synchronous = EXTRA; PRAGMA trusted_schema = OFF;`;

/** Files that SQLite puts next to its own and trusts whoever made them: it even deletes files that a journal names. */
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

/** Refuses files of others: they cannot put any into the folder now, but may have done so before its mode was changed. */
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
 * The ledger in a file next to the locks. SQLite rolls back what a crash left half written, and each statement is on disk
 * before it returns.
 *
 * @param folder Must not be shared by a group: SQLite opens files by name, and trusts those next to its own.
 * @param patience How to wait while another process writes.
 * @param shown The path for messages.
 */
export function fileStore(folder: LockFolder, patience: Patience, shown = ledgerPath(folder)): FileStore {
  const path = ledgerPath(folder);
  let database: DatabaseSync | undefined;
  return {
    dialect: sqliteDialect(shown),
    async run(statement) {
      const text = statement.textFor(SQLITE);
      const attempt = () => {
        // Reading must not create the file.
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

/** The path of a folder's ledger. */
export function ledgerPath(folder: LockFolder): string {
  return `${folder.path}/${FILE}`;
}
