/** How an etcd sees those who hold locks and wait for them. */

import { until } from "../../cli/wait.ts";
import { base64, fromBase64 } from "../../servers/etcd_client.ts";
import type { Etcd } from "../../servers/etcd_member.ts";

/** A key and its value. */
export interface Entry {
  readonly key: string;
  readonly value: string;
  /** The lease that it hangs on, in decimal digits; "0" for none. */
  readonly lease: string;
  /** The revision that made it, in decimal digits. */
  readonly created: string;
}

/** The keys below a prefix that ends with a slash, in the order in which they were made. */
export function entriesBelow(etcd: Etcd, prefix: string): Promise<Entry[]> {
  return entriesFrom(etcd, prefix, prefix);
}

/** The same, from another key on. */
async function entriesFrom(etcd: Etcd, key: string, prefix: string): Promise<Entry[]> {
  // What comes after a slash is a 0.
  const range = { key: base64(key), range_end: base64(prefix.replace(/\/$/, "0")) };
  const answer = await etcd.call("/v3/kv/range", { ...range, sort_target: "CREATE" });
  const { kvs = [] } = answer as { kvs?: { key: string; value?: string; lease?: string; create_revision: string }[] };
  return kvs.map(({ key, value, lease = "0", create_revision: created }) => {
    return { key: fromBase64(key), value: fromBase64(value), lease, created };
  });
}

/** The keys of those who have come for a lock: the first one's holds it, unless it is just being taken. */
export function queueOf(etcd: Etcd, name: string, prefix = "sera/"): Promise<Entry[]> {
  return entriesBelow(etcd, `${prefix}${name}/`);
}

/** All keys of a lock, those of its slots included, which have a dot after the name. */
export function allOf(etcd: Etcd, name: string, prefix = "sera/"): Promise<Entry[]> {
  return entriesFrom(etcd, `${prefix}${name}.`, `${prefix}${name}/`);
}

/** The keys of those who wait for a lock: behind the holder, or for a slot. */
export async function waitersOf(etcd: Etcd, name: string, prefix = "sera/"): Promise<Entry[]> {
  const all = await allOf(etcd, name, prefix);
  const [, ...behind] = all.filter(({ key }) => key.startsWith(`${prefix}${name}/`));
  return [...behind, ...all.filter(({ key }) => key.includes("/-/"))];
}

/** Resolves with the keys of the waiters once there are this many. */
export function waiting(etcd: Etcd, name: string, count = 1, prefix = "sera/"): Promise<Entry[]> {
  return until(`${count} waiting for ${name}`, async () => {
    const waiters = await waitersOf(etcd, name, prefix);
    return waiters.length === count ? waiters : undefined;
  });
}
