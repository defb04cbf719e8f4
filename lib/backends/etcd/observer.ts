import type { Ledger } from "../../ledger/ledger.ts";
import type { Patience } from "../../ledger/patience.ts";
import type { TableName } from "../../ledger/table_name.ts";
import { presenceOf } from "../../lock/presence.ts";
import type { HolderHandle } from "../../who/holder_handle.ts";
import type { LockFilter, Seen, Sighting } from "../../who/sighting.ts";
import type { LockOptions, Observer } from "../backend.ts";
import type { EtcdClient } from "./client.ts";
import { readSightings } from "./sightings.ts";

/** Looks at locks in etcd. All members know all of them. */
export class EtcdObserver implements Observer {
  readonly elsewhere = undefined;
  readonly #client: EtcdClient;
  readonly #by: LockOptions;

  /**
   * @param client Is closed with the observer.
   * @param by Who looks.
   */
  constructor(client: EtcdClient, by: LockOptions) {
    this.#client = client;
    this.#by = by;
  }

  async sightings(filter: LockFilter, _table: TableName, signal: AbortSignal): Promise<Seen> {
    return await readSightings(this.#client, filter, signal);
  }

  async handleOf(holder: Sighting, signal: AbortSignal): Promise<HolderHandle> {
    const { handleOnEtcd } = await import("./holder_handle.ts");
    return await handleOnEtcd(this.#client, holder, presenceOf(holder.lock, this.#by), signal);
  }

  async ledger(_table: TableName, patience: Patience): Promise<Ledger | undefined> {
    const { EtcdLedger } = await import("./ledger.ts");
    const ledger = new EtcdLedger({ client: this.#client }, patience);
    const { length } = await ledger.latest(1);
    return length === 0 ? undefined : ledger;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    return Promise.resolve();
  }
}
