import { LockUnavailableError } from "../../errors.ts";
import type { TableName } from "../../ledger/table_name.ts";
import type { LockFilter } from "../../who/sighting.ts";
import { cut } from "../sql/insert_run.ts";
import type { Asker } from "../sql/asker.ts";
import type { Ending } from "../sql/ending.ts";
import { HIGHEST, leaseColumns, LeaseList, readLease } from "../sql/lease/read_row.ts";
import type { Claim, Lease, Ownership } from "../sql/lease/row.ts";
import type { LeaseTable, Released } from "../sql/lease/table.ts";
import type { Row } from "../sql/row.ts";
import { join, sql, type Statement } from "../sql/statement.ts";
import { isNoLonger, isOf, mayBeTaken, READ_AT_ONCE, READING, releaseLease } from "./lease_sql.ts";
import { MySqlLeaseStore } from "./lease_store.ts";
import { isMissing, isRefused, isUnfitText, needsDatabase } from "./table_errors.ts";
import { after, decodeText, NOW, readText } from "./table_sql.ts";

/**
 * The table of leases on MySQL and MariaDB. The sessions that write it must commit each statement.
 *
 * @param isGalera Whether the server that is asked is a node of a Galera cluster.
 */
export function mySqlLeases(table: TableName, isGalera = () => false): LeaseTable {
  return new MySqlLeases(new MySqlLeaseStore(table, isGalera));
}

class MySqlLeases implements LeaseTable {
  readonly #store: MySqlLeaseStore;

  constructor(store: MySqlLeaseStore) {
    this.#store = store;
  }

  get shown(): string {
    return this.#store.shown;
  }

  async claim(asker: Asker, claim: Claim, above?: Statement): Promise<bigint | undefined> {
    try {
      return await this.#claimWithText(asker, claim, above);
    } catch (error) {
      // A ledger that is not there, or that this user may not read, has given no token.
      const mayBeLedgers = above !== undefined && error instanceof LockUnavailableError &&
        (isMissingAtAll(error) || isMissing("column", error.cause) || isRefused(error.cause) ||
          needsDatabase(error.cause));
      if (mayBeLedgers) return await this.claim(asker, claim);
      if (isMissingAtAll(error)) return undefined;
      throw error;
    }
  }

  async insert(asker: Asker, claim: Claim, above?: Statement): Promise<bigint | undefined> {
    const { table } = this.#store;
    await this.#store.insert(
      asker,
      sql`INSERT INTO ${table} (name, fence, beat, ttl_ms, expires) VALUES (${claim.lock}, 0, 0, ${claim.ttl}, ${NOW})`,
    );
    const fence = await this.claim(asker, claim, above);
    if (fence !== undefined) return fence;
    // In vain, unless another was faster. A server that is not in strict mode silently cuts what a column cannot hold.
    const kept = await this.#store.rows(asker, sql`SELECT 1 AS kept FROM ${table} WHERE name = ${claim.lock}`);
    if (kept.length === 0) throw this.#store.changing(`the lock's name`);
    return undefined;
  }

  async renew(asker: Asker, lock: string, mine: Ownership, ttl: number): Promise<bigint | undefined> {
    const { changed, lastId } = await this.#store.change(
      asker,
      sql`UPDATE ${this.#store.table} SET beat = LAST_INSERT_ID(beat + 1), ttl_ms = ${ttl}, expires = ${after(ttl)}
        WHERE name = ${lock} AND owner = ${mine.owner} AND fence = ${mine.fence}`,
    );
    return changed ? lastId : undefined;
  }

  async change(asker: Asker, set: Statement, where: Statement): Promise<boolean> {
    return (await this.#store.change(asker, sql`UPDATE ${this.#store.table} SET ${set} WHERE ${where}`)).changed;
  }

  async release(asker: Asker, lock: string, mine: Ownership, ending?: Ending): Promise<boolean> {
    return (await this.releaseAnd(asker, lock, mine, [], ending)).isFreed;
  }

  async releaseAnd(
    asker: Asker,
    lock: string,
    mine: Ownership,
    then: readonly Statement[],
    ending?: Ending,
  ): Promise<Released> {
    const free = releaseLease(this.#store.table, lock, mine, ending);
    const { changed, outcomes } = await this.#store.changeAnd(asker, free, then, ending === undefined ? 1n : 2n);
    return { isFreed: changed, outcomes };
  }

  isGone(lock: string, mine: Ownership): Statement {
    return isNoLonger(this.#store.table, lock, mine);
  }

  async read(asker: Asker, lock: string): Promise<Lease | undefined> {
    const [row] = await this.#select(asker, sql`name = ${lock}`, 1);
    return row && readLease(row, this.shown, READING);
  }

  async list(asker: Asker, filter: LockFilter): Promise<LeaseList> {
    const list = new LeaseList();
    for (let last = "";;) {
      // Other names are not of locks.
      const which = sql`name > ${last} AND name REGEXP '^[0-9a-f,-]{3,32}$' AND owner IS NOT NULL AND ${isOf(filter)}`;
      const rows = await this.#select(asker, which, READ_AT_ONCE);
      list.add(rows, this.shown, READING);
      const next = decodeText(rows.at(-1)?.lock_name) ?? last;
      if (rows.length < READ_AT_ONCE || next <= last) return list;
      last = next;
    }
  }

  async known(asker: Asker, locks: readonly string[]): Promise<readonly string[]> {
    if (locks.length === 0) return [];
    const { table } = this.#store;
    const named = sql`name IN (${join(locks.map((lock) => sql`${lock}`))})`;
    const rows = await this.#store.rows(
      asker,
      sql`SELECT ${readText(sql`name`)} AS lock_name FROM ${table} WHERE ${named}`,
    )
      .catch(noneIfMissing);
    return rows.flatMap(({ lock_name }) => decodeText(lock_name) ?? []);
  }

  async forget(asker: Asker, lock: string): Promise<boolean> {
    try {
      await this.#store.change(asker, sql`DELETE FROM ${this.#store.table} WHERE name = ${lock} AND owner IS NULL`);
      return true;
    } catch (error) {
      if (isMissingAtAll(error) || error instanceof LockUnavailableError && isRefused(error.cause)) return false;
      throw error;
    }
  }

  schema(): string {
    return this.#store.schema();
  }

  /** Claims; characters of the host and the label that the table lacks are replaced. */
  async #claimWithText(asker: Asker, claim: Claim, above?: Statement): Promise<bigint | undefined> {
    try {
      return await this.#claim(asker, claim, above);
    } catch (error) {
      if (!(error instanceof LockUnavailableError && isUnfitText(error.cause))) throw error;
      const plain = (text: string) => text.replace(/[^ -~]/gu, "?");
      return await this.#claim(asker, { ...claim, host: plain(claim.host), label: plain(claim.label) }, above);
    }
  }

  async #claim(asker: Asker, claim: Claim, above?: Statement): Promise<bigint | undefined> {
    const { lock, owner, ttl, host, pid, label, from } = claim;
    const isMine = sql`owner <=> ${owner}`;
    // Numbers in the ledger that were not reached by counting do not count there either.
    const last = above === undefined ? sql`0` : sql`COALESCE(NULLIF(LEAST((${above}), ${HIGHEST}), ${HIGHEST}), 0)`;
    // The owner last, since assignments see the new values of those before them.
    const { changed, lastId, warnings } = await this.#store.change(
      asker,
      sql`UPDATE ${this.#store.table} SET
        fence = LAST_INSERT_ID(IF(${isMine}, fence, GREATEST(fence, ${last}) + 1)), beat = IF(${isMine}, beat + 1, 1),
        since = IF(${isMine}, since, ${NOW}), ttl_ms = ${ttl}, expires = ${after(ttl)},
        host = ${cut(host)}, pid = ${pid}, label = ${cut(label)}, owner = ${owner}
        WHERE name = ${lock} AND fence >= 0 AND fence < ${HIGHEST} AND beat >= 0 AND beat < ${HIGHEST}
        AND (owner IS NULL OR owner = ${owner}${mayBeTaken(from)})`,
    );
    if (!changed) return undefined;
    // A server that is not in strict mode only warns of what a column cannot hold.
    if (warnings > 0n) await this.#makeSure(asker, lock, { owner, fence: lastId });
    return lastId;
  }

  async #makeSure(asker: Asker, lock: string, { owner, fence }: Ownership): Promise<void> {
    const isKept = sql`name = ${lock} AND owner = ${owner} AND fence = ${fence}`;
    const kept = await this.#store.rows(asker, sql`SELECT 1 AS kept FROM ${this.#store.table} WHERE ${isKept}`);
    if (kept.length === 0) throw this.#store.changing("owner and the fence");
  }

  async #select(asker: Asker, which: Statement, limit: number) {
    const select = sql`SELECT ${leaseColumns(READING)} FROM ${this.#store.table} WHERE ${which}`;
    return await this.#store.rows(asker, sql`${select} ORDER BY name LIMIT ${limit}`).catch(noneIfMissing);
  }
}

/** No rows, if an error says that the table is missing. */
function noneIfMissing(error: unknown): readonly Row[] {
  if (isMissingAtAll(error)) return [];
  throw error;
}

/** Whether an error says that the table, or its database, is missing. */
function isMissingAtAll(error: unknown): boolean {
  return error instanceof LockUnavailableError &&
    (isMissing("table", error.cause) || isMissing("schema", error.cause));
}
