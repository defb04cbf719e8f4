/**
 * Requests to release a lock: the requesting session holds a second named lock, which the holder checks with each renewal.
 * This needs no table and no privilege. The name contains the holder's connection, so it never reaches a later holder.
 */

import type { Requester } from "../../lock/end_request.ts";
import { delayOrAbort, NEVER } from "../../waiting.ts";
import { textFrom } from "../../text/untrusted.ts";
import { askIfAllowed } from "../sql/ask_if_allowed.ts";
import { readMark } from "../sql/mark.ts";
import type { Session } from "../sql/session.ts";
import { sql } from "../sql/statement.ts";
import { readAttributes } from "./attributes.ts";

/** How often to read the requesting session's statement, and the pause in between in milliseconds. */
const READS = 8;
const PAUSE = 100;

/**
 * Who makes the request, as far as this user may see.
 *
 * @param asker The requesting session's connection.
 */
export async function whoAsks(session: Session, asker: number): Promise<Requester | undefined> {
  let address;
  for (let reads = 0; reads < READS; reads++) {
    if (reads > 0) await delayOrAbort(PAUSE, session.closed);
    const [row] = await askIfAllowed(
      session,
      sql`SELECT USER AS user, HOST AS host, INFO AS info FROM information_schema.PROCESSLIST WHERE ID = ${asker}`,
      NEVER,
    );
    // Another user's session.
    if (!row) break;
    const mark = readMark(textFrom(row.info) === undefined ? "" : String(row.info));
    if (mark) return mark;
    address = { label: `unlock by the database user ${row.user}`, host: textFrom(row.host)?.replace(/:\d{1,5}$/, "") };
  }
  const { label, host } = (await readAttributes(session, NEVER)).byConnection.get(asker) ?? {};
  return label === undefined ? address : { label, host };
}
