import type { Session } from "../sql/session.ts";
import { sql } from "../sql/statement.ts";

/**
 * Which locks this server cannot show because they are on another one, and what to do; undefined if none.
 *
 * @param leased Whether locks are rows, which a standby has too.
 */
export async function whatIsElsewhere(
  session: Session,
  leased: boolean,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { standby } = await session.query(sql`SELECT pg_is_in_recovery() AS standby`, { signal });
  if (standby !== "t") return undefined;
  const shows = leased ? "its copy of the leases may be old" : "the primary's locks cannot be seen there";
  return `the server is a standby, and ${shows}; name the primary`;
}
