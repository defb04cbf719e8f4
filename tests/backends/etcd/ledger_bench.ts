/** Those who write to a ledger in etcd, and an administrator who changes it with tools of etcd. */

import { EtcdClient } from "../../../lib/backends/etcd/client.ts";
import { parseEtcd } from "../../../lib/backends/etcd/address.ts";
import { EtcdLedger } from "../../../lib/backends/etcd/ledger.ts";
import { LedgerKeys } from "../../../lib/backends/etcd/ledger_keys.ts";
import { type KeyValue, readGrant, readRange, readTxn } from "../../../lib/backends/etcd/answers.ts";
import type { Caller } from "../../../lib/backends/etcd/own_key.ts";
import { grant, leaseRequest, Path, put, range, step, txn } from "../../../lib/backends/etcd/requests.ts";
import { readRun } from "../../../lib/backends/etcd/stored_run.ts";
import { readSpan, spanValue } from "../../../lib/backends/etcd/every.ts";
import { RunHolder } from "../../ledger/run_holder.ts";
import type { RunBench } from "../../ledger/run_bench.ts";
import { heldLock } from "../../ledger/memory_ledger.ts";
import type { EtcdMember } from "../../servers/etcd_member.ts";
import { freshName } from "../open.ts";

/** Longer than any test takes. */
const LOCK_SECONDS = 600;

/** One who holds a lock: a key as the lock puts it, without its renewals. */
export class EtcdHolder extends RunHolder {
  readonly held = heldLock().lock;
  readonly ledger: EtcdLedger;

  private constructor(
    readonly lock: string,
    readonly client: Caller,
    readonly key: string,
    readonly token: bigint,
    readonly lease: bigint,
    readonly end: () => Promise<void>,
  ) {
    super();
    this.ledger = this.another();
  }

  /** @param through Used in place of the client. */
  static async start(url: string, lock = freshName(), through = (client: Caller) => client): Promise<EtcdHolder> {
    const client = new EtcdClient(parseEtcd(url, undefined));
    const { id } = readGrant(await client.call(Path.grant, grant(LOCK_SECONDS)));
    const key = `${client.address.prefix}${lock}/${id.toString(16)}`;
    const { revision } = readTxn(await client.call(Path.txn, txn([], [step.put(key, "", id)])));
    return new EtcdHolder(lock, through(client), key, revision, id, async () => {
      await client.call(Path.revoke, leaseRequest(id)).catch(() => undefined);
      client.close();
    });
  }

  /** Another ledger of the same holder, as after an attempt that failed. */
  another(): EtcdLedger {
    return new EtcdLedger({ client: this.client, key: this.key, created: this.token });
  }

  /** Loses the lock, as when its lease ends. */
  async lose(): Promise<void> {
    await this.client.call(Path.revoke, leaseRequest(this.lease));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}

/** A ledger below a prefix of its own. */
export interface EtcdBench extends RunBench {
  readonly url: string;
  readonly client: EtcdClient;
  readonly keys: LedgerKeys;
  holder(lock?: string, through?: (client: Caller) => Caller): Promise<EtcdHolder>;
  put(key: string, value: unknown, lease?: bigint): Promise<void>;
  /** All keys of the ledger that begin so. */
  all(beginning?: string): Promise<readonly KeyValue[]>;
}

export function etcdBench(member: EtcdMember): EtcdBench {
  const url = member.url(`test-${crypto.randomUUID().slice(0, 8)}`);
  const client = new EtcdClient(parseEtcd(url, undefined));
  const keys = new LedgerKeys(client.address.prefix);
  const put_ = async (key: string, value: unknown, lease?: bigint) =>
    void await client.call(Path.put, put(key, typeof value === "string" ? value : JSON.stringify(value), lease));
  const all = async (beginning = "") =>
    readRange(
      await client.call(Path.range, range({ key: `${client.address.prefix}ledger/${beginning}`, prefix: true })),
    )
      .keys;
  const runs = async () => (await all("run/")).flatMap((found) => readRun(found) ?? []);
  const drop = async (key: string) => void await client.call(Path.deleteRange, range({ key }));
  const change = async (id: bigint, more: Record<string, unknown>) => {
    const run = (await runs()).find((run) => run.id === id);
    await put_(keys.run(id), { ...run!.json, ...more });
    return run!;
  };
  return {
    url,
    client,
    keys,
    holder: (lock, through) => EtcdHolder.start(url, lock, through),
    put: put_,
    all,
    async startAt(id, milliseconds) {
      const { lock } = await change(id, { started: Date.now() + milliseconds });
      const key = keys.every(lock, id);
      const found = (await all("every/")).find((found) => found.key === key);
      const span = found && readSpan(found);
      if (!span) return;
      const left = Math.ceil((span.span + milliseconds) / 1000);
      if (left <= 0) return await drop(key);
      const { id: lease } = readGrant(await client.call(Path.grant, grant(left)));
      await put_(key, spanValue(span.span, span.term!), lease);
    },
    mark: async (id, outcome) => void await change(id, { outcome }),
    remove: (id) => drop(keys.run(id)),
    async expire(...but) {
      for (const { id, expires } of await runs()) {
        if (expires === undefined || but.includes(id)) continue;
        const past = Date.now() - 1000;
        const { outcome } = await change(id, { expires: past });
        await drop(keys.expires(expires, id));
        if (outcome !== "running") await put_(keys.expires(past, id), "");
      }
    },
    async [Symbol.asyncDispose]() {
      await client.call(Path.deleteRange, range({ key: client.address.prefix, prefix: true }));
      client.close();
    },
  };
}
