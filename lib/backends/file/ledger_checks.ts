import { TroubleError } from "../../errors.ts";
import { lstatIfThere } from "../../system/if_there.ts";
import { type FileStore, fileStore, ledgerPath } from "./ledger.ts";
import { Patience } from "../../ledger/patience.ts";
import { ledgerError } from "./sqlite_errors.ts";
import { defaultLedgerFolder } from "./default_folder.ts";
import { type LockFolder, prepareLockFolder } from "./lock_folder.ts";
import { makePlainFile } from "./plain_file.ts";
import { sql } from "../sql/statement.ts";
import { lastRun } from "../sql/last_run.ts";
import { usableLedger } from "../../doctor/usable_ledger.ts";
import { rehearse } from "../sql/rehearsal.ts";
import type { RunRehearsal } from "../../ledger/ledger.ts";
import type { Finding } from "../../doctor/report.ts";

/** Whoever may put files into a folder cannot replace another's there. */
const STICKY = 0o1000;

/**
 * Records a run in the ledger's file, and takes it back; where there is no file yet, makes one of another name and removes
 * it.
 *
 * @param named The folder that the setting names, if it does.
 * @param env Reads an environment variable.
 * @throws {LockUnavailableError} When a run could not use the ledger.
 */
export async function checkFileLedger(
  named: string | undefined,
  env: (name: string) => string | undefined,
  rehearsal: RunRehearsal,
): Promise<Finding> {
  const folder = prepareLockFolder(named ?? defaultLedgerFolder(env).path, named === undefined);
  const path = ledgerPath(folder);
  if (!lstatIfThere(path)) {
    tryToMake(folder, path);
    return { found: `${path} is not there yet; the first run creates it` };
  }
  if (folder.group !== undefined) return await checkShared(folder, path, rehearsal);
  using store = fileStore(folder, new Patience());
  await store.run(sql`BEGIN IMMEDIATE`);
  return await takenBack(store, rehearsal);
}

/** Works on a copy, as a run does there, and leaves it. */
async function checkShared(folder: LockFolder, path: string, rehearsal: RunRehearsal): Promise<Finding> {
  const { sharedStore } = await import("./shared_file.ts");
  const { dialect, run } = sharedStore(folder, new Patience());
  const last = await lastRun({ dialect, run });
  tryToMake(folder, path);
  refuseSticky(folder, path);
  const own = { path: Deno.makeTempDirSync({ prefix: "sera-ledger-" }), owns: folder.owns };
  try {
    using copy = fileStore(own, new Patience(), path);
    Deno.copyFileSync(path, ledgerPath(own));
    return usableLedger(last, await rehearse(copy, rehearsal));
  } finally {
    Deno.removeSync(own.path, { recursive: true });
  }
}

async function takenBack(store: FileStore, rehearsal: RunRehearsal): Promise<Finding> {
  try {
    const last = await lastRun(store);
    return usableLedger(last, await rehearse(store, rehearsal));
  } finally {
    await store.run(sql`ROLLBACK`);
  }
}

/** Puts a file of the ledger's kind into its folder, and removes it. */
function tryToMake(folder: LockFolder, path: string): void {
  const probe = `${path}.doctor-${crypto.randomUUID()}`;
  try {
    makePlainFile(probe, folder, new Uint8Array(1));
    Deno.removeSync(probe);
  } catch (error) {
    throw ledgerError(path, error);
  }
}

/** A run replaces the whole file, which in a sticky folder is its owner's to replace, or the folder's owner's. */
function refuseSticky({ path: folder }: LockFolder, path: string): void {
  const { mode, uid } = Deno.lstatSync(folder);
  const user = Deno.uid();
  if ((mode! & STICKY) === 0 || user === 0 || user === uid || user === Deno.lstatSync(path).uid) return;
  const sticky = new TroubleError("its folder is sticky, so that only its maker can replace it", `chmod -t ${folder}`);
  throw ledgerError(path, sticky);
}
