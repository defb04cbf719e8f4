import { LockUnavailableError } from "../../errors.ts";
import type { TableName } from "../../ledger/table_name.ts";
import { slotIn } from "../../lock/slot_name.ts";
import { exactFrom } from "../../text/untrusted.ts";
import type { LockFilter } from "../../who/sighting.ts";
import type { Querier } from "../sql/querier.ts";
import { rowsIfAny } from "../sql/batch.ts";
import type { Ending } from "../sql/ending.ts";
import { readSnapshot, selectOthers, selectSnapshot, type Snapshot } from "../sql/lease/snapshot.ts";
import { leaseColumns, LeaseList, NAMES, readLease } from "../sql/lease/read_row.ts";
import type { Claim, Lease, Ownership } from "../sql/lease/row.ts";
import type { ClaimAndOthers, LeaseTable, OwnRow, Released, SnapshotQuery } from "../sql/lease/table.ts";
import type { ReleaseWhere } from "../sql/release_where.ts";
import type { Row } from "../sql/row.ts";
import { join, sql, type Statement } from "../sql/statement.ts";
import { claimRow, isMissingAtAll } from "./lease_claim.ts";
import { isNoLonger, isOf, READ_AT_ONCE, READING, releaseLease, renewLease } from "./lease_sql.ts";
import { MySqlLeaseStore } from "./lease_store.ts";
import { isRefused } from "./table_errors.ts";
import { decodeText, NOW, readText } from "./table_sql.ts";

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

  async claim(querier: Querier, claim: Claim, above?: Statement): Promise<bigint | undefined> {
    return (await claimRow(this.#store, querier, claim, above)).fence;
  }

  async claimAndReadOthers(querier: Querier, claim: Claim, above?: Statement): Promise<ClaimAndOthers> {
    const select = selectOthers(this.#store.table, claim, READING);
    const { fence, outcomes: [outcome] } = await claimRow(this.#store, querier, claim, above, [select]);
    if (fence === undefined) return { fence, others: [] };
    const rows = rowsIfAny(outcome) ?? await this.#store.rows(querier, select);
    return { fence, others: readSnapshot(rows, slotIn(claim.lock).lock, this.shown, READING).leases };
  }

  async snapshot(querier: Querier, lock: string): Promise<Snapshot> {
    const { statement, read } = this.snapshotQuery(lock);
    return read(await this.#store.rows(querier, statement).catch(noneIfMissing));
  }

  snapshotQuery(lock: string): SnapshotQuery {
    return {
      statement: selectSnapshot(this.#store.table, lock, READING),
      read: (rows) => readSnapshot(rows, lock, this.shown, READING),
    };
  }

  async insert(querier: Querier, claim: Claim, above?: Statement): Promise<bigint | undefined> {
    return (await this.insertAndReadOthers(querier, claim, above)).fence;
  }

  async insertAndReadOthers(querier: Querier, claim: Claim, above?: Statement): Promise<ClaimAndOthers> {
    const { table } = this.#store;
    await this.#store.insert(
      querier,
      sql`INSERT INTO ${table} (name, fence, beat, ttl_ms, expires) VALUES (${claim.lock}, 0, 0, ${claim.ttl}, ${NOW})`,
    );
    const claimed = await this.claimAndReadOthers(querier, claim, above);
    if (claimed.fence !== undefined) return claimed;
    // In vain, unless another was faster. A server that is not in strict mode silently cuts what a column cannot hold.
    const kept = await this.#store.rows(querier, sql`SELECT 1 AS kept FROM ${table} WHERE name = ${claim.lock}`);
    if (kept.length === 0) throw this.#store.changing(`the lock's name`);
    return claimed;
  }

  async renew(querier: Querier, lock: string, mine: Ownership, ttl: number): Promise<bigint | undefined> {
    return (await this.renewAll(querier, [{ lock, mine }], ttl))[0];
  }

  async renewAll(querier: Querier, rows: readonly OwnRow[], ttl: number): Promise<readonly (bigint | undefined)[]> {
    const changes = await this.#store.changeEach(querier, rows.map((row) => renewLease(this.#store.table, row, ttl)));
    return changes.map(({ changed, lastId }) => changed ? lastId : undefined);
  }

  async change(querier: Querier, set: Statement, where: Statement): Promise<boolean> {
    return (await this.#store.change(querier, sql`UPDATE ${this.#store.table} SET ${set} WHERE ${where}`)).changed;
  }

  async release(querier: Querier, lock: string, mine: Ownership, ending?: Ending): Promise<boolean> {
    return (await this.releaseAnd(querier, lock, mine, [], ending)).isFreed;
  }

  async releaseAnd(
    querier: Querier,
    lock: string,
    mine: Ownership,
    then: readonly Statement[],
    ending?: Ending,
  ): Promise<Released> {
    const free = releaseLease(this.#store.table, lock, mine, ending);
    const { changed, outcomes } = await this.#store.changeAnd(querier, free, then, ending === undefined ? 1n : 2n);
    return { isFreed: changed, outcomes };
  }

  freeing({ lock, mine }: OwnRow): ReleaseWhere {
    return {
      statement: releaseLease(this.#store.table, lock, mine),
      wasHeld: (rows) => exactFrom(rows[0]?.affected) === 1n,
    };
  }

  isGone(lock: string, mine: Ownership): Statement {
    return isNoLonger(this.#store.table, lock, mine);
  }

  async read(querier: Querier, lock: string): Promise<Lease | undefined> {
    const [row] = await this.#select(querier, sql`name = ${lock}`, 1);
    return row && readLease(row, this.shown, READING);
  }

  async list(querier: Querier, filter: LockFilter): Promise<LeaseList> {
    const list = new LeaseList();
    for (let last = "";;) {
      // Other names are not of locks.
      const which = sql`name > ${last} AND name REGEXP ${NAMES} AND owner IS NOT NULL AND ${isOf(filter)}`;
      const rows = await this.#select(querier, which, READ_AT_ONCE);
      list.add(rows, this.shown, READING);
      const next = decodeText(rows.at(-1)?.lock_name) ?? last;
      if (rows.length < READ_AT_ONCE || next <= last) return list;
      last = next;
    }
  }

  async known(querier: Querier, locks: readonly string[]): Promise<readonly string[]> {
    if (locks.length === 0) return [];
    const { table } = this.#store;
    const named = sql`name IN (${join(locks.map((lock) => sql`${lock}`))})`;
    const rows = await this.#store.rows(
      querier,
      sql`SELECT ${readText(sql`name`)} AS lock_name FROM ${table} WHERE ${named}`,
    )
      .catch(noneIfMissing);
    return rows.flatMap(({ lock_name }) => decodeText(lock_name) ?? []);
  }

  async forget(querier: Querier, lock: string): Promise<boolean> {
    try {
      await this.#store.change(querier, sql`DELETE FROM ${this.#store.table} WHERE name = ${lock} AND owner IS NULL`);
      return true;
    } catch (error) {
      if (isMissingAtAll(error)) return true;
      if (error instanceof LockUnavailableError && isRefused(error.cause)) return false;
      throw error;
    }
  }

  schema(): string {
    return this.#store.schema();
  }

  async #select(querier: Querier, which: Statement, limit: number) {
    const select = sql`SELECT ${leaseColumns(READING)} FROM ${this.#store.table} WHERE ${which}`;
    return await this.#store.rows(querier, sql`${select} ORDER BY name LIMIT ${limit}`).catch(noneIfMissing);
  }
}

/** No rows, if an error says that the table is missing. */
function noneIfMissing(error: unknown): readonly Row[] {
  if (isMissingAtAll(error)) return [];
  throw error;
}
