/** Claims of leases on MySQL and MariaDB. */

import { LockUnavailableError } from "../../errors.ts";
import type { Querier } from "../sql/querier.ts";
import type { Outcome } from "../sql/batch.ts";
import { truncate } from "../sql/insert_run.ts";
import { COUNTER_LIMIT } from "../sql/lease/read_row.ts";
import type { Claim, Ownership } from "../sql/lease/row.ts";
import { sql, type Statement } from "../sql/statement.ts";
import { mayBeTaken } from "./lease_sql.ts";
import type { MySqlLeaseStore } from "./lease_store.ts";
import { isMissing, isRefused, isUnencodable, needsDatabase } from "./table_errors.ts";
import { after, NOW } from "./table_sql.ts";

/** The result of a claim. */
export interface Claimed {
  /** As `LeaseTable.claim()` returns it. */
  readonly fence: bigint | undefined;
  /** The outcomes of the statements sent with it; none if they were not sent. */
  readonly outcomes: readonly Outcome[];
}

/**
 * Claims a lease whose row exists, with further statements in the same message.
 *
 * @param above As for `LeaseTable.claim()`.
 */
export async function claimRow(
  store: MySqlLeaseStore,
  querier: Querier,
  claim: Claim,
  above: Statement | undefined,
  then: readonly Statement[] = [],
): Promise<Claimed> {
  try {
    return await claimWithText(store, querier, claim, above, then);
  } catch (error) {
    // A ledger that is missing, or that this user may not read, has given no token.
    const mayBeLedgers = above !== undefined && error instanceof LockUnavailableError &&
      (isMissingAtAll(error) || isMissing("column", error.cause) || isRefused(error.cause) ||
        needsDatabase(error.cause));
    if (mayBeLedgers) return await claimRow(store, querier, claim, undefined, then);
    if (isMissingAtAll(error)) return { fence: undefined, outcomes: [] };
    throw error;
  }
}

/** Claims; characters of the host and the label that the table lacks are replaced. */
async function claimWithText(
  ...[store, querier, claim, above, then = []]: Parameters<typeof claimRow>
): Promise<Claimed> {
  try {
    return await send(store, querier, claim, above, then);
  } catch (error) {
    if (!(error instanceof LockUnavailableError && isUnencodable(error.cause))) throw error;
    const plain = (text: string) => text.replace(/[^ -~]/gu, "?");
    return await send(store, querier, { ...claim, host: plain(claim.host), label: plain(claim.label) }, above, then);
  }
}

async function send(...[store, querier, claim, above, then = []]: Parameters<typeof claimRow>): Promise<Claimed> {
  const { lock, owner, ttl, host, pid, label, from } = claim;
  const isMine = sql`owner <=> ${owner}`;
  // Ignore numbers in the ledger that cannot have been reached by counting.
  const last = above === undefined
    ? sql`0`
    : sql`COALESCE(NULLIF(LEAST((${above}), ${COUNTER_LIMIT}), ${COUNTER_LIMIT}), 0)`;
  // The owner comes last, since each assignment sees the results of those before it.
  const { changed, lastId, warnings, outcomes } = await store.changeAnd(
    querier,
    sql`UPDATE ${store.table} SET
      fence = LAST_INSERT_ID(IF(${isMine}, fence, GREATEST(fence, ${last}) + 1)), beat = IF(${isMine}, beat + 1, 1),
      since = IF(${isMine}, since, ${NOW}), ttl_ms = ${ttl}, expires = ${after(ttl)},
      host = ${truncate(host)}, pid = ${pid}, label = ${truncate(label)}, owner = ${owner}
      WHERE name = ${lock} AND fence >= 0 AND fence < ${COUNTER_LIMIT} AND beat >= 0 AND beat < ${COUNTER_LIMIT}
      AND (owner IS NULL OR owner = ${owner}${mayBeTaken(from)})`,
    then,
    1n,
  );
  if (!changed) return { fence: undefined, outcomes };
  // A server that is not in strict mode only warns about what does not fit a column.
  if (warnings > 0n) await makeSure(store, querier, lock, { owner, fence: lastId });
  return { fence: lastId, outcomes };
}

async function makeSure(
  store: MySqlLeaseStore,
  querier: Querier,
  lock: string,
  { owner, fence }: Ownership,
): Promise<void> {
  const isKept = sql`name = ${lock} AND owner = ${owner} AND fence = ${fence}`;
  const kept = await store.rows(querier, sql`SELECT 1 AS kept FROM ${store.table} WHERE ${isKept}`);
  if (kept.length === 0) throw store.changing("owner and the fence");
}

/** Whether an error says that the table, or its database, is missing. */
export function isMissingAtAll(error: unknown): boolean {
  return error instanceof LockUnavailableError &&
    (isMissing("table", error.cause) || isMissing("schema", error.cause));
}
