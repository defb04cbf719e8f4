import { LockUnavailableError } from "../../../errors.ts";
import { isLockName } from "../../../lock/lock_name.ts";
import { isNamespacedName } from "../../../lock/namespaced_name.ts";
import { slotIn } from "../../../lock/slot_name.ts";
import { exactFrom, pidFrom, timeFrom, wholeFrom } from "../../../text/untrusted.ts";
import { isPlain } from "../../../text/redaction.ts";
import type { Dialect } from "../dialect.ts";
import type { Row } from "../row.ts";
import { sql, type Statement } from "../statement.ts";
import type { Lease } from "./row.ts";

/** Fencing tokens and beats from here on cannot have been reached by counting. */
export const COUNTER_LIMIT = 2n ** 62n;

/** The longest valid TTL, in milliseconds: the setting allows up to a day. */
export const MAX_TTL = 24 * 3600 * 1000;

/** The SQL pattern of the names of locks and their slots, to leave out other rows early. */
export const NAMES = sql`'^[0-9a-f,-]{3,32}([.][1-9][0-9]{0,2})?$'`;

/** Matches an owner id: 32 hex digits. */
const OWNER = /^[0-9a-f]{32}$/;

/** How a kind of database reads values, and the time left until `expires` in milliseconds. */
export interface Reading extends Pick<Dialect, "readText" | "decodeText" | "readNumber" | "readTime"> {
  readonly left: Statement;
}

/** The columns to select for {@linkcode readLease}. */
export function leaseColumns({ readText, readNumber, readTime, left }: Reading): Statement {
  return sql`${readText(sql`name`)} AS lock_name, ${readText(sql`owner`)} AS owner_id,
    ${readNumber(sql`fence`)} AS fence_number, ${readNumber(sql`beat`)} AS beat_number,
    ${readNumber(sql`ttl_ms`)} AS ttl, ${readNumber(sql`pid`)} AS process, ${readText(sql`host`)} AS host_name,
    ${readText(sql`label`)} AS label_text, ${left} AS left_ms, ${readTime(sql`since`)} AS since_ms`;
}

/**
 * Reads a row with {@linkcode leaseColumns}. Other programs may have written it: an invalid text or `since` is left out.
 *
 * @param shown The table as messages name it.
 * @returns Undefined if the lease is free.
 * @throws {LockUnavailableError} When another value is invalid.
 */
export function readLease(row: Row, shown: string, { decodeText }: Reading): Lease | undefined {
  const lock = decodeText(row.lock_name) ?? "";
  const where = lockIn(lock) ? ` WHERE name = '${lock}'` : "";
  const wrong = (column: string, value: string, cure: string) => senseless(lock, shown, `${column} ${value}`, cure);
  const counted = (column: string, value: unknown, cure: string) => {
    const number = exactFrom(value);
    if (number !== undefined && number >= 0n && number < COUNTER_LIMIT) return number;
    throw wrong(column, numberText(value), cure);
  };
  const fence = counted(
    "fence",
    row.fence_number,
    `set it to the last SERA_TOKEN that was given: UPDATE ${shown} SET fence = LAST${where}`,
  );
  const beat = counted("beat", row.beat_number, `start afresh: UPDATE ${shown} SET beat = 0${where}`);
  if (row.owner_id === null) return undefined;
  const free = `when its command has ended, free it: UPDATE ${shown} SET owner = NULL${where}`;
  const owner = decodeText(row.owner_id) ?? "";
  if (!OWNER.test(owner)) throw wrong("owner", isPlain(owner) ? `'${owner}'` : "of another form", free);
  const ttl = wholeFrom(row.ttl, 1, MAX_TTL);
  if (ttl === undefined) throw wrong("ttl_ms", numberText(row.ttl), free);
  const left = row.left_ms === null ? NaN : Math.round(Number(row.left_ms));
  if (!Number.isSafeInteger(left)) throw wrong("expires", "of no date", free);
  return {
    lock,
    owner,
    fence,
    beat,
    ttl,
    left,
    host: decodeText(row.host_name),
    pid: pidFrom(row.process),
    label: decodeText(row.label_text),
    since: timeFrom(row.since_ms),
  };
}

/** Leases that are held, and the errors for invalid rows. */
export class LeaseList {
  readonly leases: Lease[] = [];
  readonly senseless: LockUnavailableError[] = [];

  /** Reads rows as {@linkcode readLease} does; leaves out rows that are not for locks of sera. */
  add(rows: readonly Row[], shown: string, reading: Reading): void {
    for (const row of rows) {
      try {
        const lease = readLease(row, shown, reading);
        if (lease && lockIn(lease.lock)) this.leases.push(lease);
      } catch (error) {
        if (!(error instanceof LockUnavailableError)) throw error;
        if (lockIn(reading.decodeText(row.lock_name) ?? "")) this.senseless.push(error);
      }
    }
  }
}

/** The error for an invalid row. */
function senseless(lock: string, shown: string, what: string, cure: string): LockUnavailableError {
  return new LockUnavailableError(`The lease of ${lock} in ${shown} is invalid (${what})`, cure);
}

/** Whether a row's name is that of a lock, or of one of its slots. */
function lockIn(name: string): boolean {
  const { lock } = slotIn(name);
  return isLockName(lock) || isNamespacedName(lock);
}

function numberText(value: unknown): string {
  return value === null ? "NULL" : String(exactFrom(value) ?? "of another form");
}
