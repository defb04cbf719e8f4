import type {
  Backend,
  BackendLock,
  LedgerPlace,
  LockOptions,
  Observer,
  Offers,
  Shown,
  Surroundings,
} from "../backend.ts";
import type { Report } from "../../doctor/report.ts";
import { type EtcdAddress, parseEtcd, shownEndpoint } from "./address.ts";

/** Locks in etcd: keys that expire with a lease. */
export class EtcdBackend implements Backend {
  readonly kind = "etcd";
  readonly title = "etcd";
  readonly notes = [];
  readonly address: EtcdAddress;

  constructor(address: EtcdAddress) {
    this.address = address;
  }

  /** The order of the members does not matter. */
  get identity(): string {
    const { endpoints, prefix } = this.address;
    return `etcd:${endpoints.map(shownEndpoint).toSorted().join(",")}/${prefix}`;
  }

  get offers(): Offers {
    return {
      namespaces: true,
      leases: "anyway",
      // All members keep the same locks.
      severalServers: false,
      ledgerTable: false,
      tls: this.address.tls ? "verified" : { verifyBy: "an s to its scheme (etcds://)" },
      expires: true,
      mayBeUnsafe: false,
    };
  }

  async shown(): Promise<Shown> {
    const { shownEtcd } = await import("./shown.ts");
    return shownEtcd(this.kind, this.address);
  }

  async lock(name: string, options: LockOptions): Promise<BackendLock> {
    const [{ EtcdLock }, { EtcdClient }] = await Promise.all([import("./lock.ts"), import("./client.ts")]);
    return new EtcdLock(new EtcdClient(this.address), name, options);
  }

  async observe(_name: string, options: LockOptions): Promise<Observer> {
    const [{ EtcdObserver }, { EtcdClient }] = await Promise.all([import("./observer.ts"), import("./client.ts")]);
    return new EtcdObserver(new EtcdClient(this.address), options);
  }

  async check(report: Report, name: string, options: LockOptions): Promise<void> {
    const { checkEtcd } = await import("./checks.ts");
    await checkEtcd(report, this.address, name, () => this.lock(name, options));
  }

  get ledger(): LedgerPlace {
    const { address } = this;
    return {
      async load(_table, _env, patience) {
        const [{ EtcdLedger }, { ownKeyOf }] = await Promise.all([import("./ledger.ts"), import("./own_key.ts")]);
        return ({ session }) => Promise.resolve(new EtcdLedger(ownKeyOf(session), patience));
      },
      async check(_table, testRun) {
        const { checkEtcdLedger } = await import("./ledger_check.ts");
        return await checkEtcdLedger(address, testRun);
      },
    };
  }
}

/**
 * Reads the address of a cluster.
 *
 * @throws {DsnError} When it cannot be used.
 */
export function parse(text: string, { tlsCa }: Surroundings): EtcdBackend {
  return new EtcdBackend(parseEtcd(text, tlsCa));
}
