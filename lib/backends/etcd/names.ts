/**
 * The names of keys in etcd: `PREFIX/NAME/LEASE`, as `etcdctl lock PREFIX/NAME` names them, for a lock, which is also
 * slot 0 of one that has slots. All other keys of slots have a dot after the name, and then the number of slots: so one
 * range has all keys with the same number, and the ranges before and after it have those with another.
 */

import { isLockName } from "../../lock/lock_name.ts";
import { isNamespacedName } from "../../lock/namespaced_name.ts";
import type { Keys } from "./requests.ts";

/** All names of locks are between these: other keys below the prefix have names that begin with a later letter. */
export const NAMES = { from: "-", to: "g" } as const;

/** The prefix of all keys of a lock: one for the holder, and one for each waiter. */
export function queueOf(prefix: string, lock: string): string {
  return `${prefix}${lock}/`;
}

/** The key of the session with this lease. */
export function keyOf(prefix: string, lock: string, lease: bigint): string {
  return `${queueOf(prefix, lock)}${lease.toString(16)}`;
}

/** The keys of all sessions that use slots of a lock, whatever their number. */
export function slotsOf(prefix: string, lock: string): Keys & { readonly to: string } {
  return { key: `${prefix}${lock}.1`, to: `${prefix}${lock}.:` };
}

/** All keys of a lock: those with slots, and after them the others. */
export function allOf(prefix: string, lock: string): Keys {
  return { key: slotsOf(prefix, lock).key, to: `${prefix}${lock}0` };
}

/** The lock that a key belongs to, and the part after its name; undefined if it belongs to none. */
export function partsOfKey(prefix: string, key: string): { readonly lock: string; readonly rest: string } | undefined {
  if (!key.startsWith(prefix)) return undefined;
  const [, lock = "", rest = ""] = /^([^./]*)([./].*)$/s.exec(key.slice(prefix.length)) ?? [];
  return isLockName(lock) || isNamespacedName(lock) ? { lock, rest } : undefined;
}
