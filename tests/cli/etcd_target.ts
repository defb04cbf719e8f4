/** An etcd to run against. */

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
      servers: etcd.urls(prefix),
      waiters: async (key) => Math.max(0, (await queueOf(etcd, lockName(key), prefix)).length - 1),
      sessions: all,
      ledger: { all, age: (milliseconds) => age(etcd, prefix, milliseconds) },
      [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
    };
  }
}

/**
 * Lets all leases but those of locks end so much earlier, and takes as much from the times in the values. What a lease has
 * left is known in whole seconds.
 */
export async function age(etcd: Etcd, prefix: string, milliseconds: number): Promise<void> {
  const seconds = milliseconds / 1000;
  const later = new Map<string, string | undefined>([["0", "0"]]);
  for (const { key, value, lease } of await entriesBelow(etcd, prefix)) {
    // A lock's key has its lease for a name.
    if (key.endsWith(`/${BigInt(lease).toString(16)}`)) continue;
    if (!later.has(lease)) later.set(lease, await leaseAfter(etcd, lease, seconds));
    const left = later.get(lease);
    const earlier = value.replaceAll(
      /\d{4}-\d\d-\d\dT[\d:.]+Z/g,
      (time) => new Date(Date.parse(time) - milliseconds).toISOString(),
    );
    if (left === undefined) await etcd.call("/v3/kv/deleterange", { key: base64(key) });
    else await etcd.call("/v3/kv/put", { key: base64(key), value: base64(earlier), lease: left });
  }
}

/** A lease that lives as long as this one would so many seconds from now; undefined if it would be over. */
async function leaseAfter(etcd: Etcd, lease: string, seconds: number): Promise<string | undefined> {
  const { TTL } = await etcd.call("/v3/lease/timetolive", { ID: lease });
  const left = Math.ceil(Number(TTL) - seconds);
  return left <= 0 ? undefined : String((await etcd.call("/v3/lease/grant", { TTL: `${left}` })).ID);
}
