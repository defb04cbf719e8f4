import { LockUnavailableError } from "../../errors.ts";
import { makeCopyFolder } from "./copy_folder.ts";
import { ifPossible } from "./leftovers.ts";
import { LockFile } from "./lock_file.ts";
import type { LockFolder } from "./lock_folder.ts";
import { flushFolder, isCode, makePlainFile, objectionToFile, readPlainFile } from "./plain_file.ts";
import { fileStore, ledgerPath } from "./ledger.ts";
import type { Store } from "../sql/store.ts";
import { refuseForeignSchema } from "./foreign_schema.ts";
import type { Patience } from "../../ledger/patience.ts";
import { NEVER } from "../../waiting.ts";
import { BUSY, whileBusy } from "./busy.ts";
import { keepsVanishing } from "./take.ts";
import { ledgerError, stickyFolder } from "./sqlite_errors.ts";

/** The largest ledger that is copied, in bytes; each run takes a few hundred. */
const MAX_LEDGER_SIZE = 16 * 1024 * 1024;

/** How often to start again when the file that is locked was removed during the wait: a lock on it excludes nobody. */
const ATTEMPTS = 100;

/**
 * The ledger in a folder that a group shares. SQLite opens files by name, and would roll back any journal that somebody put
 * next to its file, which may even name other files. So it works on a copy in a private folder, while the ledger is locked.
 * Then the copy atomically replaces the old file.
 */
export function sharedStore(folder: LockFolder, patience: Patience): Store {
  const path = ledgerPath(folder);
  const { dialect } = fileStore(folder, patience);
  let isFirst = true;
  return {
    dialect,
    async run(statement) {
      using _lock = await lockLedger(folder, path, patience);
      // Only now, since a signal may end the wait for the lock, and would leave the folder behind.
      const own = { path: makeOwnFolder(path, isFirst), owns: folder.owns };
      isFirst = false;
      try {
        const before = read(path, folder);
        if (before) makePlainFile(ledgerPath(own), own, before);
        const rows = await runAlone(own, path, patience, async (store) => {
          if (before) await refuseForeignSchema(store);
          return await store.run(statement);
        });
        const after = read(ledgerPath(own), own);
        if (after && !(before && isEqual(before, after))) replace(path, folder, after);
        return rows;
      } catch (error) {
        throw error instanceof LockUnavailableError ? error : ledgerError(path, error);
      } finally {
        // Something else may have removed it, and what was to be done is done.
        ifPossible(() => Deno.removeSync(own.path, { recursive: true }));
      }
    },
  };
}

async function runAlone<T>(
  own: LockFolder,
  shown: string,
  patience: Patience,
  action: (store: Store) => Promise<T>,
): Promise<T> {
  using store = fileStore(own, patience, shown);
  return await action(store);
}

async function lockLedger(folder: LockFolder, path: string, patience: Patience): Promise<Disposable> {
  for (let tries = 0; tries < ATTEMPTS; tries++) {
    const lock = await openLock(folder, path);
    let isHeld = false;
    try {
      await whileBusy(patience, () => {
        if (!lock.tryLock()) throw new Error(BUSY);
      });
      isHeld = lock.isInPlace();
      if (isHeld) return { [Symbol.dispose]: () => lock.close() };
    } catch (error) {
      throw ledgerError(path, error);
    } finally {
      if (!isHeld) lock.close();
    }
  }
  throw keepsVanishing(folder);
}

async function openLock(folder: LockFolder, path: string): Promise<LockFile> {
  try {
    return await LockFile.open(folder, "ledger.sqlite", NEVER);
  } catch (error) {
    throw error instanceof LockUnavailableError ? error : ledgerError(path, error);
  }
}

/** @param isFirst Whether to look for what killed seras have left. */
function makeOwnFolder(path: string, isFirst: boolean): string {
  try {
    return makeCopyFolder(`${path}.lock`, isFirst);
  } catch (error) {
    throw ledgerError(path, error);
  }
}

function read(path: string, folder: LockFolder): Uint8Array | undefined {
  try {
    return readPlainFile(path, MAX_LEDGER_SIZE, (file) => objectionToFile(file, path, folder));
  } catch (error) {
    if (isCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Replaces the file atomically. A sera that is killed meanwhile may leave its new file, which the next run removes. */
function replace(path: string, folder: LockFolder, content: Uint8Array): void {
  const prefix = `${path.slice(path.lastIndexOf("/") + 1)}.new-`;
  for (const { name, isFile } of Deno.readDirSync(folder.path)) {
    // In a sticky folder this may be another member's.
    if (isFile && name.startsWith(prefix)) ifPossible(() => Deno.removeSync(`${folder.path}/${name}`));
  }
  const made = `${folder.path}/${prefix}${crypto.randomUUID()}`;
  makePlainFile(made, folder, content);
  try {
    Deno.renameSync(made, path);
  } catch (error) {
    Deno.removeSync(made);
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    throw stickyFolder(folder.path);
  }
  flushFolder(folder.path);
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  let index = 0;
  while (index < one.length && one[index] === other[index]) index++;
  return index === one.length && one.length === other.length;
}
