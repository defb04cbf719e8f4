import { LockUnavailableError } from "../../errors.ts";
import type { TableName } from "../../ledger/table_name.ts";
import { slotIn } from "../../lock/slot_name.ts";
import { exactFrom } from "../../text/untrusted.ts";
import type { LockFilter } from "../../who/sighting.ts";
import type { Querier } from "../sql/querier.ts";
import { LEASE_WORDS, leaseFailure } from "../sql/lease/failure.ts";
import { type Outcome, rowsIfAny } from "../sql/batch.ts";
import { readSnapshot, selectOthers, selectSnapshot, type Snapshot } from "../sql/lease/snapshot.ts";
import { LeaseList, readLease } from "../sql/lease/read_row.ts";
import type { Claim, Lease, Ownership } from "../sql/lease/row.ts";
import { leaseSchemaText } from "../sql/lease/schema.ts";
import type { Ending } from "../sql/ending.ts";
import type { ClaimAndOthers, LeaseTable, OwnRow, Released } from "../sql/lease/table.ts";
import type { ReleaseWhere } from "../sql/release_where.ts";
import type { Row } from "../sql/row.ts";
import { POSTGRESQL } from "../sql/quoting.ts";
import { identifier, sql, type Statement } from "../sql/statement.ts";
import { storageBelow, whyVolatile } from "./storage.ts";
import { LeaseClaims } from "./lease_claims.ts";
import { leaseErrors } from "./lease_errors.ts";
import { LeaseStatements } from "./lease_statements.ts";
import {
  createTable,
  forgetLease,
  heldAfter,
  isNoLonger,
  READ_AT_ONCE,
  READING,
  releaseLease,
  renewLease,
  selectLeases,
  selectNames,
} from "./lease_sql.ts";
import { isRefused } from "./table_errors.ts";
import { withSettings } from "./table_settings.ts";
import { decodeText, shownTable, tableIn } from "./table_sql.ts";

/**
 * The table of leases in PostgreSQL. Its statements need no session state and leave none, so they can go through any
 * pooler.
 */
export function postgresLeases(table: TableName): LeaseTable {
  return new PostgresLeases(table);
}

class PostgresLeases implements LeaseTable {
  readonly shown: string;
  readonly #schema: string | undefined;
  readonly #table: Statement;
  readonly #statements: LeaseStatements;
  readonly #claims: LeaseClaims;

  constructor(table: TableName) {
    this.#schema = table.schema;
    this.shown = shownTable(table);
    this.#statements = new LeaseStatements(this.shown, leaseErrors());
    this.#table = tableIn(table);
    this.#claims = new LeaseClaims(this.#table, this.#statements);
  }

  async claim(querier: Querier, claim: Claim, above?: Statement): Promise<bigint | undefined> {
    return (await this.#claims.claim(querier, claim, above)).fence;
  }

  async claimAndReadOthers(querier: Querier, claim: Claim, above?: Statement): Promise<ClaimAndOthers> {
    const { fence, outcomes } = await this.#claims.claim(querier, claim, above, [this.#selectOthers(claim)]);
    return { fence, others: fence === undefined ? [] : await this.#othersIn(querier, claim, outcomes) };
  }

  async snapshot(querier: Querier, lock: string): Promise<Snapshot> {
    const select = () => this.#statements.ask(querier, selectSnapshot(this.#table, lock, READING));
    return readSnapshot(await this.#statements.orMissing(select) ?? [], lock, this.shown, READING);
  }

  async insert(querier: Querier, claim: Claim, above?: Statement): Promise<bigint | undefined> {
    return (await this.insertAndReadOthers(querier, claim, above)).fence;
  }

  async insertAndReadOthers(querier: Querier, claim: Claim, above?: Statement): Promise<ClaimAndOthers> {
    const insert = () => this.#claims.insert(querier, claim, above, [this.#selectOthers(claim)]);
    const { rows: [row], outcomes } = await this.#statements.orMissing(insert) ??
      (await this.#statements.make(querier, createTable(this.#table)), await insert());
    const fence = exactFrom(row?.fence);
    if (fence !== undefined) {
      await this.#refuseVolatile(querier, claim, fence, row?.storage);
      return { fence, others: await this.#othersIn(querier, claim, outcomes) };
    }
    const kept = await this.#select(querier, sql`name = ${claim.lock}`);
    if (kept.length > 0) return { fence, others: [] };
    const cure = "see the table's triggers, rules and policies";
    throw leaseFailure(this.shown, { what: "the database does not keep its rows", cure });
  }

  async renew(querier: Querier, lock: string, mine: Ownership, ttl: number): Promise<bigint | undefined> {
    return exactFrom((await this.#statements.ask(querier, renewLease(this.#table, lock, mine, ttl)))[0]?.beat);
  }

  async renewAll(querier: Querier, rows: readonly OwnRow[], ttl: number): Promise<readonly (bigint | undefined)[]> {
    const renewals = rows.map(({ lock, mine }) => renewLease(this.#table, lock, mine, ttl));
    return (await this.#statements.askEach(querier, renewals)).map(([row]) => exactFrom(row?.beat));
  }

  async change(querier: Querier, set: Statement, where: Statement): Promise<boolean> {
    return (await this.#statements.ask(querier, sql`UPDATE ${this.#table} SET ${set} WHERE ${where} RETURNING fence`))
      .length > 0;
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
    const free = releaseLease(this.#table, lock, mine, ending);
    const { rows, outcomes } = await this.#statements.askAnd(querier, free, then);
    return { isFreed: rows.length > 0, outcomes };
  }

  freeing({ lock, mine }: OwnRow): ReleaseWhere {
    return {
      statement: withSettings(releaseLease(this.#table, lock, mine)),
      wasHeld: (rows) => rows.length > 0,
    };
  }

  isGone(lock: string, mine: Ownership): Statement {
    return isNoLonger(this.#table, lock, mine);
  }

  async read(querier: Querier, lock: string): Promise<Lease | undefined> {
    const [row] = await this.#select(querier, sql`name = ${lock}`);
    return row && readLease(row, this.shown, READING);
  }

  async list(querier: Querier, filter: LockFilter): Promise<LeaseList> {
    const list = new LeaseList();
    for (let last = "";;) {
      const rows = await this.#select(querier, heldAfter(last, filter));
      list.add(rows, this.shown, READING);
      if (rows.length < READ_AT_ONCE) return list;
      last = decodeText(rows.at(-1)?.lock_name) ?? last;
    }
  }

  async known(querier: Querier, locks: readonly string[]): Promise<readonly string[]> {
    if (locks.length === 0) return [];
    const rows =
      await this.#statements.orMissing(() => this.#statements.ask(querier, selectNames(this.#table, locks))) ??
        [];
    return rows.flatMap(({ lock_name }) => decodeText(lock_name) ?? []);
  }

  async forget(querier: Querier, lock: string): Promise<boolean> {
    try {
      await this.#statements.orMissing(() => this.#statements.ask(querier, forgetLease(this.#table, lock)));
      return true;
    } catch (error) {
      if (error instanceof LockUnavailableError && isRefused(error.cause)) return false;
      throw error;
    }
  }

  schema(): string {
    const usage = this.#schema === undefined ? [] : [sql`GRANT USAGE ON SCHEMA ${identifier(this.#schema)}`];
    return leaseSchemaText(this.#table, createTable(this.#table), POSTGRESQL, usage);
  }

  /** Only for the first row of a lock: a table that has lost its rows comes here again. Releases the lease. */
  async #refuseVolatile(querier: Querier, { lock, owner }: Claim, fence: bigint, storage: unknown): Promise<void> {
    const below = storageBelow(this.#table, storage);
    const kept = below ? (await this.#statements.ask(querier, below))[0]?.storage : storage;
    const trouble = whyVolatile(kept, { shown: this.shown, lost: "who holds a lock", flag: LEASE_WORDS.flag });
    if (trouble === undefined) return;
    await this.release(querier, lock, { owner, fence });
    throw leaseFailure(this.shown, trouble);
  }

  #selectOthers(claim: Claim): Statement {
    return selectOthers(this.#table, claim, READING);
  }

  /** What others hold, from the query that was sent along with a claim, or else from a query of its own. */
  async #othersIn(querier: Querier, claim: Claim, [outcome]: readonly Outcome[]): Promise<readonly Lease[]> {
    const rows = rowsIfAny(outcome) ?? await this.#statements.ask(querier, this.#selectOthers(claim));
    return readSnapshot(rows, slotIn(claim.lock).lock, this.shown, READING).leases;
  }

  async #select(querier: Querier, which: Statement): Promise<readonly Row[]> {
    return await this.#statements.orMissing(() => this.#statements.ask(querier, selectLeases(this.#table, which))) ??
      [];
  }
}
