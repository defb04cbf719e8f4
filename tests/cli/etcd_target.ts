/** An etcd to run against. */

import { LedgerKeys } from "../../lib/backends/etcd/ledger_keys.ts";
import { lockName } from "../../lib/lock/lock_name.ts";
import { entriesBelow, queueOf } from "../backends/etcd/view.ts";
import { base64 } from "../servers/etcd_client.ts";
import type { Etcd } from "../servers/etcd_member.ts";
import { forThisFile } from "../servers/for_this_file.ts";
import type { Need } from "./needs.ts";
import { Place } from "./place.ts";
import type { StartedTarget, Target } from "./targets.ts";

/** An etcd, where each test has a prefix of its own. */
export class EtcdTarget<S extends Etcd> implements Target {
  readonly inTable = false;
  readonly inSession = false;
  readonly #etcd: () => S;
  #started = 0;

  constructor(readonly name: string, readonly need: Need, launch: () => Promise<S>) {
    this.#etcd = forThisFile(need, launch);
  }

  async start(): Promise<StartedTarget> {
    const etcd = this.#etcd();
    const prefix = `test-${++this.#started}/`;
    const server = etcd.url(prefix);
    const place = await Place.make(server);
    const all = async () => JSON.stringify(await entriesBelow(etcd, prefix));
    return {
      place,
      server,
      waiters: async (key) => Math.max(0, (await queueOf(etcd, lockName(key), prefix)).length - 1),
      async endLease(key) {
        const [holder] = await queueOf(etcd, lockName(key), prefix);
        await etcd.call("/v3/lease/revoke", { ID: holder!.lease });
      },
      sessions: all,
      ledger: { all, age: (milliseconds) => age(etcd, prefix, milliseconds) },
      [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
    };
  }
}

/**
 * Makes the ledger's runs so much older: their times, and the leases of the keys for `--every`, which etcd counts, as far as
 * they are not over then. When such a lease began can be seen no more, so it counts as one from before another leader.
 */
export async function age(etcd: Etcd, prefix: string, milliseconds: number): Promise<void> {
  const keys = new LedgerKeys(prefix);
  for (const { key, value, lease } of await entriesBelow(etcd, `${prefix}ledger/`)) {
    const earlier = value.replaceAll(
      /"(started|finished|expires)":(\d+)/g,
      (_, name, time) => `"${name}":${Number(time) - milliseconds}`,
    );
    const listed = key.startsWith(keys.byExpiry) ? key.replace(/\d{15}/, (time) => later(time, -milliseconds)) : key;
    const left = lease === "0" ? "0" : await leaseAfter(etcd, lease, milliseconds / 1000);
    if (left === undefined || listed !== key) await etcd.call("/v3/kv/deleterange", { key: base64(key) });
    if (left === undefined) continue;
    const aged = left === "0" ? earlier : earlier.replace(/"term":"\d+"/, '"term":"0"');
    await etcd.call("/v3/kv/put", { key: base64(listed), value: base64(aged), lease: left });
  }
}

/** A time in a key, with as many digits. */
function later(time: string, milliseconds: number): string {
  return String(Number(time) + milliseconds).padStart(time.length, "0");
}

/** A lease that lives as long as this one would so many seconds from now; undefined if it would be over. */
async function leaseAfter(etcd: Etcd, lease: string, seconds: number): Promise<string | undefined> {
  const { TTL } = await etcd.call("/v3/lease/timetolive", { ID: lease });
  const left = Math.ceil(Number(TTL) - seconds);
  return left <= 0 ? undefined : String((await etcd.call("/v3/lease/grant", { TTL: `${left}` })).ID);
}
