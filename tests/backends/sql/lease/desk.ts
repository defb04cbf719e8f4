/** A table of leases for one test, and its clients. */

import assert from "node:assert/strict";
import type { TableName } from "../../../../lib/ledger/table_name.ts";
import type { Dialect } from "../../../../lib/backends/sql/dialect.ts";
import type { Claim, Lease, Ownership, TakeFrom } from "../../../../lib/backends/sql/lease/row.ts";
import type { LeaseTable } from "../../../../lib/backends/sql/lease/table.ts";
import type { Session } from "../../../../lib/backends/sql/session.ts";
import type { Statement } from "../../../../lib/backends/sql/statement.ts";
import type { Bench, DatabasePlace } from "../../../ledger/places.ts";
import { freshName } from "../../open.ts";

/** A database that can keep leases. */
export interface LeasePlace extends DatabasePlace {
  leases(table: TableName): LeaseTable;
  /** How the ledger is written there. */
  ledger(table: TableName): Dialect;
  /** Opens a session to ask in. */
  session(server: string): Promise<Session>;
  /** SQL for the server's time so many milliseconds ago. */
  ago(milliseconds: number): string;
}

/** A time that no test takes, in milliseconds. */
export const HOUR = 3600_000;

/** The id of an owner, by a digit. */
export function ownerOf(digit: string): string {
  return digit.repeat(32);
}

/** A claim of the owner of that digit. */
export function claimOf(lock: string, digit: string, from: TakeFrom = "nobody", ttl = HOUR): Claim {
  return { lock, owner: ownerOf(digit), ttl, from, host: `web${digit}`, pid: 4711, label: "rotate-logs" };
}

/** A new table of leases, a lock in it, and a session. */
export class Desk implements AsyncDisposable {
  readonly lock = freshName();

  private constructor(readonly bench: Bench, readonly leases: LeaseTable, readonly session: Session) {}

  /** @param params Parameters of the server setting, for the session. */
  static async open(place: LeasePlace, params = ""): Promise<Desk> {
    const bench = await place.bench(params);
    return new Desk(bench, place.leases(bench.table), await place.session(bench.server));
  }

  /** Claims the lock for the owner of that digit; makes the row if there is none. */
  async acquire(digit: string, from: TakeFrom = "nobody", above?: Statement): Promise<Ownership | undefined> {
    const claim = claimOf(this.lock, digit, from);
    const fence = await this.leases.claim(this.session, claim, above) ??
      await this.leases.insert(this.session, claim, above);
    return fence === undefined ? undefined : { owner: claim.owner, fence };
  }

  /** Like {@linkcode acquire}, of a lock that must be free. */
  async hold(digit: string): Promise<Ownership> {
    const mine = await this.acquire(digit);
    assert.ok(mine, "the lease is another's");
    return mine;
  }

  /** Claims the lock for the owner of that digit, whose row exists. */
  claim(digit: string, from: TakeFrom = "nobody", above?: Statement): Promise<bigint | undefined> {
    return this.leases.claim(this.session, claimOf(this.lock, digit, from), above);
  }

  read(): Promise<Lease | undefined> {
    return this.leases.read(this.session, this.lock);
  }

  /** The lease, which must be held. */
  async held(): Promise<Lease> {
    const lease = await this.read();
    assert.ok(lease, "the lease is free");
    return lease;
  }

  /** Writes into the lock's row, as an administrator. */
  async write(assignments: string): Promise<void> {
    await this.bench.sql(`UPDATE ${this.bench.name} SET ${assignments} WHERE name = '${this.lock}'`);
  }

  /** The lock's row as it is. */
  async row(): Promise<Readonly<Record<string, unknown>> | undefined> {
    return (await this.bench.sql(`SELECT * FROM ${this.bench.name} WHERE name = '${this.lock}'`))[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.close();
    await this.bench[Symbol.asyncDispose]();
  }
}
