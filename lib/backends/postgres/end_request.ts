/**
 * How a holder is asked to release its lock: the asker holds a shared advisory lock with another key, and the holder checks
 * for it with each renewal. This needs no table and no privilege. A later holder has another server process, and so another
 * key.
 */

import { lockName } from "../../lock/lock_name.ts";
import type { Requester } from "../../lock/end_request.ts";
import { NEVER } from "../../waiting.ts";
import type { Session } from "../sql/session.ts";
import { join, sql, type Statement } from "../sql/statement.ts";
import { type AdvisoryKey, advisoryKey } from "./advisory_key.ts";

/**
 * The key of the lock that asks a holder to release.
 *
 * @param lock The name of the lock, or of the slot.
 * @param pid The server's process for the holder.
 */
export function endRequestFor(lock: string, pid: number): AdvisoryKey {
  return advisoryKey(lockName(`sera:end:${lock}:${pid}`));
}

/** SQL for the server process of the session that asks with one of these keys; 0 if none does. */
export function askerOf(keys: readonly AdvisoryKey[]): Statement {
  const rows = join(keys.map(({ at }) => at), sql` OR `);
  return sql`COALESCE((SELECT MIN(pid) FROM pg_locks WHERE locktype = 'advisory' AND (${rows}) AND mode = 'ShareLock' AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())), 0)`;
}

/** Who asks for the release, as far as this user may see. */
export async function whoAsks(session: Session, asker: number): Promise<Requester | undefined> {
  const { readSessionInfos } = await import("./session_info.ts");
  const [info] = await readSessionInfos(session, sql`pid = ${asker}`, NEVER) ?? [];
  const { host, label, user, address } = info?.who ?? {};
  if (host !== undefined) return { label, host };
  return user === undefined ? undefined : { label: `unlock by the role ${user}`, host: address };
}
