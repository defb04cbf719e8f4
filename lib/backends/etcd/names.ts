/** What keys are named in etcd: `PREFIX/NAME/LEASE`, as `etcdctl lock PREFIX/NAME` names them. */

import { isLockName } from "../../lock/lock_name.ts";
import { isNamespacedName } from "../../lock/namespaced_name.ts";

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

/** The name of the lock that a key is about; undefined if it is about none. */
export function lockOfKey(prefix: string, key: string): string | undefined {
  if (!key.startsWith(prefix)) return undefined;
  const [name = "", ...rest] = key.slice(prefix.length).split("/");
  return rest.length > 0 && (isLockName(name) || isNamespacedName(name)) ? name : undefined;
}
