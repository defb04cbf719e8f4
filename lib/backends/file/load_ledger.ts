import type { LockOptions } from "../backend.ts";
import type { Patience } from "../../ledger/patience.ts";
import type { Store } from "../sql/store.ts";
import { defaultLedgerFolder } from "./default_folder.ts";
import { prepareLockFolder } from "./lock_folder.ts";

/**
 * Loads what the ledger in a file needs.
 *
 * @param named The folder that the setting names; undefined for the default folder.
 * @param env Reads an environment variable.
 * @throws {LockUnavailableError} When its folder cannot be used.
 */
export async function loadFileStore(
  named: string | undefined,
  env: LockOptions["env"],
  patience: Patience,
): Promise<() => Store> {
  const folder = prepareLockFolder(named ?? defaultLedgerFolder(env).path, named === undefined);
  if (folder.group !== undefined) {
    const { sharedStore } = await import("./shared_file.ts");
    return () => sharedStore(folder, patience);
  }
  const { fileStore } = await import("./ledger.ts");
  return () => fileStore(folder, patience);
}
