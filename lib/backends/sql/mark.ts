/** What a session tells those who look at the server of whoever it belongs to. */

import { type Presence, readPresence } from "../../lock/presence.ts";
import { comment, sql, type Statement } from "./statement.ts";

/** The longest label or name in a mark, in UTF-16 units: servers cut long statements, and with them the mark's end. */
const LONGEST_TOLD = 64;

/**
 * A comment to put after each statement: servers show the last or the current one of a session. It is ASCII without a
 * slash, an apostrophe or a question mark, so that it ends where it should and no driver finds anything to replace.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { markOf } from "./mark.ts";
 * import { MYSQL } from "./spelling.ts";
 *
 * const mark = markOf({ lock: "5373fa7d", host: "web1", pid: 4711, label: "ls" });
 * assert.match(mark.textFor(MYSQL), /^ \/[*] sera {"lock":"5373fa7d","host":"web1",.*} [*]\/$/);
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
