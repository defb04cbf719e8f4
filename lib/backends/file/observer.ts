import type { LockOptions, Observer } from "../backend.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { Patience } from "../../ledger/patience.ts";
import type { TableName } from "../../ledger/table_name.ts";
import { isThere } from "../../system/if_there.ts";
import { presenceOf } from "../../lock/presence.ts";
import type { HolderHandle } from "../../who/holder_handle.ts";
import type { LockFilter, Seen, Sighting } from "../../who/sighting.ts";
import { SqlLedger } from "../sql/ledger.ts";
import { defaultLedgerFolder, lockFolder } from "./default_folder.ts";
import { loadFileStore } from "./load_ledger.ts";
import { prepareLockFolder, refuseClosedFolder } from "./lock_folder.ts";
import { seeFiles } from "./sightings.ts";

/** Shows the locks in a folder. A folder that no run has created yet has none, and is not created. */
export class FileObserver implements Observer {
  readonly elsewhere = undefined;
  readonly #folder: string | undefined;
  readonly #env: LockOptions["env"];
  readonly #options: LockOptions;

  /** @param folder The one that the setting names; undefined for the default folder. */
  constructor(folder: string | undefined, options: LockOptions) {
    this.#folder = folder;
    this.#env = options.env;
    this.#options = options;
  }

  // Async, so that an error of the folder becomes a rejection.
  // deno-lint-ignore require-await
  async sightings(filter: LockFilter): Promise<Seen> {
    return seeFiles(this.#lockFolder(), filter);
  }

  async handleOf(holder: Sighting): Promise<HolderHandle> {
    const { FileHandle } = await import("./holder_handle.ts");
    const folder = prepareLockFolder(lockFolder(this.#folder, this.#env), this.#folder === undefined);
    return new FileHandle(folder, holder, presenceOf(holder.lock, this.#options), this.#options.lease);
  }

  async ledger(_table: TableName, patience: Patience): Promise<Ledger | undefined> {
    const path = this.#folder ?? defaultLedgerFolder(this.#env).path;
    if (!isThere(path)) {
      refuseClosedFolder(path);
      return undefined;
    }
    const open = await loadFileStore(this.#folder, this.#env, patience);
    this.#lockFolder();
    return new SqlLedger(open(), patience);
  }

  /** @throws {LockUnavailableError} When a run could not use it. */
  #lockFolder(): string {
    const folder = lockFolder(this.#folder, this.#env);
    if (isThere(folder)) prepareLockFolder(folder, this.#folder === undefined);
    else refuseClosedFolder(folder);
    return folder;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
