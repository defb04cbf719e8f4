/**
 * How a holder is asked to release its lock: a second named lock, which the asker holds, and which the holder asks about
 * with each renewal. It needs no table and no privilege. A later holder has another connection, and so another request.
 */

import type { Requester } from "../../lock/end_request.ts";
import { delayOrAbort, NEVER } from "../../waiting.ts";
import { textFrom } from "../../text/untrusted.ts";
import { askIfAllowed } from "../sql/ask_if_allowed.ts";
import { readMark } from "../sql/mark.ts";
import type { Session } from "../sql/session.ts";
import { sql } from "../sql/statement.ts";
import { readAttributes } from "./attributes.ts";

/** How often, and how long apart, to look for the asker's statement, in milliseconds. */
const LOOKS = 8;
const PAUSE = 100;

/**
 * Who has left a request, as far as this user may see.
 *
 * @param asker The asker's connection.
 */
export async function whoAsks(session: Session, asker: number): Promise<Requester | undefined> {
  let address;
  for (let look = 0; look < LOOKS; look++) {
    if (look > 0) await delayOrAbort(PAUSE, session.closed);
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
