/** What a session tells those who look at the server of whoever it belongs to. */

import { pidFrom, textFrom, timeFrom } from "../../text/foreign.ts";
import { isNamespacedName } from "../postgres/namespaced_name.ts";
import { isLockName } from "../../lock/lock_name.ts";
import { comment, sql, type Statement } from "./statement.ts";

/** Whose a session is. Nothing of it is secret: a command's words are not in it. */
export interface Presence {
  /** The lock's name. */
  readonly lock: string;
  readonly host: string;
  readonly pid: number;
  readonly label: string;
  /** When the lock was acquired, in milliseconds since 1970 by the server's clock; absent for who waits. */
  readonly since?: number | undefined;
  /** When the session was opened, in milliseconds since 1970 by its own host's clock; only where the server tells nobody. */
  readonly connected?: number | undefined;
  /** Of a namespaced lock, what its two numbers are made of: the namespace, and the name if one was given. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

/** The longest label or name in a mark, in UTF-16 units: servers cut long statements, and with them the mark's end. */
const LONGEST_TOLD = 64;

/**
 * A comment to put after each statement: servers show the last or the current one of a session. It is ASCII without a
 * slash, an apostrophe or a question mark, so that it ends where it should and no driver finds anything to replace.
 *
 * @example
 * ```ts
 * import { markOf } from "./presence.ts";
 * markOf({ lock: "5373…", host: "web1", pid: 4711, label: "ls" }); // the statement's end: a comment with sera and JSON
 * ```
 */
export function markOf({ lock, host, pid, label, since, connected, namespace, name }: Presence): Statement {
  const json = JSON.stringify({
    lock,
    host,
    pid,
    label: label.slice(0, LONGEST_TOLD),
    since,
    connected,
    namespace: ifShort(namespace),
    name: ifShort(name),
  });
  const safe = json.replace(/[^ -~]|[/'?*;]/g, (unit) => `\\u${hex(unit)}`);
  return sql` ${comment(`sera ${safe}`)}`;
}

/** A name makes sense only whole. */
function ifShort(name: string | undefined): string | undefined {
  return name !== undefined && name.length <= LONGEST_TOLD ? name : undefined;
}

function hex(unit: string): string {
  return unit.charCodeAt(0).toString(16).padStart(4, "0");
}

const MARK_BEGIN = " /* sera ";
const MARK_END = " */";

/** Reads the mark at the end of a statement. Undefined where there is none, as with a statement that was cut off. */
export function readMark(statement: string): Presence | undefined {
  // Not by one expression: what somebody else has put there could keep it busy for long.
  const begin = statement.lastIndexOf(MARK_BEGIN);
  if (begin < 0 || !statement.endsWith(MARK_END)) return undefined;
  return readPresence(statement.slice(begin + MARK_BEGIN.length, -MARK_END.length));
}

/** Reads a presence from JSON; undefined if it is none. Whoever can write there may have made it up. */
export function readPresence(json: string): Presence | undefined {
  let value: Partial<Record<keyof Presence, unknown>> | null;
  try {
    value = JSON.parse(json);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { lock } = value;
  const pid = typeof value.pid === "number" ? pidFrom(value.pid) : undefined;
  const [host, label, namespace, name] = [value.host, value.label, value.namespace, value.name].map((text) =>
    typeof text === "string" ? textFrom(text) : undefined
  );
  if (typeof lock !== "string" || !isLockName(lock) && !isNamespacedName(lock)) return undefined;
  if (pid === undefined || host === undefined || label === undefined) return undefined;
  const [since, connected] = [value.since, value.connected].map((time) =>
    typeof time === "number" ? timeFrom(time) : undefined
  );
  return { lock, host, pid, label, since, connected, namespace, name };
}
