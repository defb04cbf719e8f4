import type { Session } from "../sql/session.ts";
import { sql } from "../sql/statement.ts";

/** Which locks this server cannot show because they are on another one, and what to do; undefined if none. */
export async function whatIsElsewhere(session: Session, signal: AbortSignal): Promise<string | undefined> {
  const { standby } = await session.query(sql`SELECT pg_is_in_recovery() AS standby`, { signal });
  return standby === "t"
    ? "the server is a standby, and the primary's locks cannot be seen there; name the primary"
    : undefined;
}
