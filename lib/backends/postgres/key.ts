import { wholeFrom } from "../../text/untrusted.ts";
import { advisoryKey } from "./advisory_key.ts";
import { fnv1, isNamespacedName } from "../../lock/namespaced_name.ts";
import { isLockName } from "../../lock/lock_name.ts";
import type { Row } from "../sql/row.ts";
import { sql, type Statement } from "../sql/statement.ts";

/** The condition that a row of `pg_locks` is about the lock of this name; undefined for text that is no lock's name. */
export function rowCondition(name: string): Statement | undefined {
  return keyOfName(name) === undefined ? undefined : sql`(${advisoryKey(name).row})`;
}

/** The same for all locks of a namespace, sera's or not. */
export function namespaceCondition(namespace: string): Statement {
  return sql`(classid = ${fnv1(namespace) >>> 0}::oid AND objsubid = 2)`;
}

/** The part of a lock's name that the server keeps: half of an md5 name, all of a pair; undefined if it is not a name. */
export function keyOfName(name: string): string | undefined {
  if (isLockName(name)) return name.slice(0, 16);
  return isNamespacedName(name) ? name : undefined;
}

/** The same for a row of `pg_locks`; undefined for a malformed row. */
export function keyOfRow({ classid, objid, objsubid }: Row): string | undefined {
  const halves = [classid, objid].flatMap((half) => wholeFrom(half, 0, 2 ** 32 - 1) ?? []);
  if (halves.length < 2) return undefined;
  // The server shows unsigned numbers.
  if (String(objsubid) === "2") return halves.map((half) => half | 0).join(",");
  return halves.map((half) => half.toString(16).padStart(8, "0")).join("");
}
