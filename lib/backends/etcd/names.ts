/**
 * What keys are named in etcd: `PREFIX/NAME/LEASE`, as `etcdctl lock PREFIX/NAME` names them, for a lock, which is also
 * slot 0 of one that has slots. What else there is of slots has a dot after the name, and then how many they are: so one
 * range has all that know of the same number, and what is before and after it those who know of another.
 */

import { isLockName } from "../../lock/lock_name.ts";
import { isNamespacedName } from "../../lock/namespaced_name.ts";
import type { Keys } from "./requests.ts";

/** All names of locks are between these: what else is below the prefix has a name that begins with a later letter. */
export const NAMES = { from: "-", to: "g" } as const;

/** What all keys of a lock begin with: one for the holder, and one for each waiter. */
export function queueOf(prefix: string, lock: string): string {
  return `${prefix}${lock}/`;
}

/** The key of whoever has this lease. */
export function keyOf(prefix: string, lock: string, lease: bigint): string {
  return `${queueOf(prefix, lock)}${lease.toString(16)}`;
}

/** The keys of all who know of slots of a lock, whatever their number. */
export function slotsOf(prefix: string, lock: string): Keys & { readonly to: string } {
  return { key: `${prefix}${lock}.1`, to: `${prefix}${lock}.:` };
}

/** All keys of a lock: of those who know of slots, and after them the others. */
export function allOf(prefix: string, lock: string): Keys {
  return { key: slotsOf(prefix, lock).key, to: `${prefix}${lock}0` };
}

/** The lock that a key is about, and what stands after its name; undefined if it is about none. */
export function partsOfKey(prefix: string, key: string): { readonly lock: string; readonly rest: string } | undefined {
  if (!key.startsWith(prefix)) return undefined;
  const [, lock = "", rest = ""] = /^([^./]*)([./].*)$/s.exec(key.slice(prefix.length)) ?? [];
  return isLockName(lock) || isNamespacedName(lock) ? { lock, rest } : undefined;
}
