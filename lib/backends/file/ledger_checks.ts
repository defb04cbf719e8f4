import { lstatIfThere } from "../../system/if_there.ts";
import { STICKY } from "../../system/trust.ts";
import { type FileStore, fileStore, ledgerPath } from "./ledger.ts";
import { Patience } from "../../ledger/patience.ts";
import { ledgerError, stickyFolder } from "./sqlite_errors.ts";
import { defaultLedgerFolder } from "./default_folder.ts";
import { type LockFolder, prepareLockFolder } from "./lock_folder.ts";
import { makePlainFile } from "./plain_file.ts";
import { sql } from "../sql/statement.ts";
import { lastRun } from "../sql/last_run.ts";
import { usableLedger } from "../../doctor/usable_ledger.ts";
import { recordTestRun } from "../sql/test_run.ts";
import type { TestRun } from "../../ledger/ledger.ts";
import type { Finding } from "../../doctor/report.ts";

/**
 * Records a run in the ledger's file, and rolls it back. If there is no file yet, creates one with another name and
 * removes it.
 *
 * @param named The folder that the setting names; undefined for the default folder.
 * @param env Reads an environment variable.
 * @throws {LockUnavailableError} When a run could not use the ledger.
 */
export async function checkFileLedger(
  named: string | undefined,
  env: (name: string) => string | undefined,
  testRun: TestRun,
): Promise<Finding> {
  const folder = prepareLockFolder(named ?? defaultLedgerFolder(env).path, named === undefined);
  const path = ledgerPath(folder);
  if (!lstatIfThere(path)) {
    tryToCreate(folder, path);
    return { found: `${path} is not there yet; the first run creates it` };
  }
  if (folder.group !== undefined) return await checkShared(folder, path, testRun);
  using store = fileStore(folder, new Patience());
  await store.run(sql`BEGIN IMMEDIATE`);
  return await checkAndRollBack(store, testRun);
}

/** Works on a copy, as a run does in a shared folder, but does not put it in place. */
async function checkShared(folder: LockFolder, path: string, testRun: TestRun): Promise<Finding> {
  const { sharedStore } = await import("./shared_file.ts");
  const { dialect, run } = sharedStore(folder, new Patience());
  const last = await lastRun({ dialect, run });
  tryToCreate(folder, path);
  refuseSticky(folder, path);
  const own = { path: Deno.makeTempDirSync({ prefix: "sera-ledger-" }), owns: folder.owns };
  try {
    using copy = fileStore(own, new Patience(), path);
    Deno.copyFileSync(path, ledgerPath(own));
    return usableLedger(last, await recordTestRun(copy, testRun));
  } finally {
    Deno.removeSync(own.path, { recursive: true });
  }
}

async function checkAndRollBack(store: FileStore, testRun: TestRun): Promise<Finding> {
  try {
    const last = await lastRun(store);
    return usableLedger(last, await recordTestRun(store, testRun));
  } finally {
    await store.run(sql`ROLLBACK`);
  }
}

/** Creates a file like the ledger's in its folder, and removes it. */
function tryToCreate(folder: LockFolder, path: string): void {
  const probe = `${path}.doctor-${crypto.randomUUID()}`;
  try {
    makePlainFile(probe, folder, new Uint8Array(1));
    Deno.removeSync(probe);
  } catch (error) {
    throw ledgerError(path, error);
  }
}

/** A run replaces the whole file, which in a sticky folder only the owner of the file or of the folder can do. */
function refuseSticky({ path: folder }: LockFolder, path: string): void {
  const { mode, uid } = Deno.lstatSync(folder);
  const user = Deno.uid();
  if ((mode! & STICKY) === 0 || user === 0 || user === uid || user === Deno.lstatSync(path).uid) return;
  throw ledgerError(path, stickyFolder(folder));
}
