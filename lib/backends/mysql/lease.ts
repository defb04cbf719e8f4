import { LockUnavailableError } from "../../errors.ts";
import type { TableName } from "../../ledger/table_name.ts";
import { slotIn } from "../../lock/slot_name.ts";
import { exactFrom } from "../../text/untrusted.ts";
import type { LockFilter } from "../../who/sighting.ts";
import type { Asker } from "../sql/asker.ts";
import { rowsIfAny } from "../sql/batch.ts";
import type { Ending } from "../sql/ending.ts";
import { type Look, readLook, selectLook, selectOthers } from "../sql/lease/look.ts";
import { leaseColumns, LeaseList, NAMES, readLease } from "../sql/lease/read_row.ts";
import type { Claim, Lease, Ownership } from "../sql/lease/row.ts";
import type { ClaimAndLook, LeaseTable, Looking, OwnRow, Released } from "../sql/lease/table.ts";
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

  async claim(asker: Asker, claim: Claim, above?: Statement): Promise<bigint | undefined> {
    return (await claimRow(this.#store, asker, claim, above)).fence;
  }

  async claimAndLook(asker: Asker, claim: Claim, above?: Statement): Promise<ClaimAndLook> {
    const select = selectOthers(this.#store.table, claim, READING);
    const { fence, outcomes: [outcome] } = await claimRow(this.#store, asker, claim, above, [select]);
    if (fence === undefined) return { fence, others: [] };
    const rows = rowsIfAny(outcome) ?? await this.#store.rows(asker, select);
    return { fence, others: readLook(rows, slotIn(claim.lock).lock, this.shown, READING).leases };
  }

  async look(asker: Asker, lock: string): Promise<Look> {
    const { statement, read } = this.looking(lock);
    return read(await this.#store.rows(asker, statement).catch(noneIfMissing));
  }

  looking(lock: string): Looking {
    return {
      statement: selectLook(this.#store.table, lock, READING),
      read: (rows) => readLook(rows, lock, this.shown, READING),
    };
  }

  async insert(asker: Asker, claim: Claim, above?: Statement): Promise<bigint | undefined> {
    return (await this.insertAndLook(asker, claim, above)).fence;
  }

  async insertAndLook(asker: Asker, claim: Claim, above?: Statement): Promise<ClaimAndLook> {
    const { table } = this.#store;
    await this.#store.insert(
      asker,
      sql`INSERT INTO ${table} (name, fence, beat, ttl_ms, expires) VALUES (${claim.lock}, 0, 0, ${claim.ttl}, ${NOW})`,
    );
    const claimed = await this.claimAndLook(asker, claim, above);
    if (claimed.fence !== undefined) return claimed;
    // In vain, unless another was faster. A server that is not in strict mode silently cuts what a column cannot hold.
    const kept = await this.#store.rows(asker, sql`SELECT 1 AS kept FROM ${table} WHERE name = ${claim.lock}`);
    if (kept.length === 0) throw this.#store.changing(`the lock's name`);
    return claimed;
  }

  async renew(asker: Asker, lock: string, mine: Ownership, ttl: number): Promise<bigint | undefined> {
    return (await this.renewAll(asker, [{ lock, mine }], ttl))[0];
  }

  async renewAll(asker: Asker, rows: readonly OwnRow[], ttl: number): Promise<readonly (bigint | undefined)[]> {
    const changes = await this.#store.changeEach(asker, rows.map((row) => renewLease(this.#store.table, row, ttl)));
    return changes.map(({ changed, lastId }) => changed ? lastId : undefined);
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

  freeing({ lock, mine }: OwnRow): ReleaseWhere {
    return {
      statement: releaseLease(this.#store.table, lock, mine),
      wasHeld: (rows) => exactFrom(rows[0]?.affected) === 1n,
    };
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
      const which = sql`name > ${last} AND name REGEXP ${NAMES} AND owner IS NOT NULL AND ${isOf(filter)}`;
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
