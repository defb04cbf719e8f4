import { advisoryKey } from "../lock/advisory_key.ts";
import type { Row } from "../lock/session.ts";
import { sql, type Statement } from "../sql/statement.ts";

/** What sera calls its locks on PostgreSQL, see {@linkcode advisoryKey}. */
const NAME = /^([0-9a-f]{16})[0-9a-f]{16}$|^-?\d{1,10},-?\d{1,10}$/;

/** SQL for the condition that a row of `pg_locks` is about the lock of this name; undefined for what is no name. */
export function rowCondition(name: string): Statement | undefined {
  return NAME.test(name) ? sql`(${advisoryKey(name).row})` : undefined;
}

/** As much of a lock's name as the server keeps: half of an md5 name, or all of a pair. Undefined for what is no name. */
export function keyOfName(name: string): string | undefined {
  const [pair, half] = NAME.exec(name) ?? [];
  return half ?? pair;
}

/** The same of a row of `pg_locks`. */
export function keyOfRow({ classid, objid, objsubid }: Row): string {
  const halves = [Number(classid), Number(objid)];
  // The server shows unsigned numbers.
  if (String(objsubid) === "2") return halves.map((half) => half | 0).join(",");
  return halves.map((half) => half.toString(16).padStart(8, "0")).join("");
}
