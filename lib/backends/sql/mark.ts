/** The SQL comment that shows others on the server who a session belongs to. */

import { type Presence, readPresence } from "../../lock/presence.ts";
import { comment, sql, type Statement } from "./statement.ts";

/** The longest label or name in a mark, in UTF-16 units: servers cut long statements, and the mark is at the end. */
const MAX_PART_LENGTH = 64;

/**
 * The mark as a comment, to be appended to each statement: servers show the last or current statement of a session. It is
 * ASCII without slashes, apostrophes and question marks, so that it cannot end early or contain a placeholder.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { markOf } from "./mark.ts";
 * import { MYSQL } from "./quoting.ts";
 *
 * const mark = markOf({ lock: "5373fa7d", host: "web1", pid: 4711, label: "ls" });
 * assert.match(mark.textFor(MYSQL), /^ \/[*] sera {"lock":"5373fa7d","host":"web1",.*} [*]\/$/);
 * ```
 */
export function markOf(
  { lock, host, pid, label, since, connected, slots, also, namespace, name }: Presence,
): Statement {
  const json = JSON.stringify({
    lock,
    host,
    pid,
    label: label.slice(0, MAX_PART_LENGTH),
    since,
    connected,
    slots,
    also,
    namespace: ifShort(namespace),
    name: ifShort(name),
  });
  const safe = json.replace(/[^ -~]|[/'?*;]/g, (unit) => `\\u${hex(unit)}`);
  return sql` ${comment(`sera ${safe}`)}`;
}

/** Names are not truncated, since a part of a name is useless. */
function ifShort(name: string | undefined): string | undefined {
  return name !== undefined && name.length <= MAX_PART_LENGTH ? name : undefined;
}

function hex(unit: string): string {
  return unit.charCodeAt(0).toString(16).padStart(4, "0");
}

const MARK_BEGIN = " /* sera ";
const MARK_END = " */";

/** Reads the mark at the end of a statement; undefined if there is none, as in a truncated statement. */
export function readMark(statement: string): Presence | undefined {
  // No regular expression, since a malicious statement could make it backtrack for a long time.
  const begin = statement.lastIndexOf(MARK_BEGIN);
  if (begin < 0 || !statement.endsWith(MARK_END)) return undefined;
  return readPresence(statement.slice(begin + MARK_BEGIN.length, -MARK_END.length));
}
