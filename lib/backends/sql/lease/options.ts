import type { LockUnavailableError, Trouble } from "../../../errors.ts";
import type { TableName } from "../../../ledger/table_name.ts";
import type { LeaseTerms } from "../../../lock/lease.ts";
import type { Presence } from "../../../lock/presence.ts";
import type { LockOptions } from "../../backend.ts";
import { sql, type Statement } from "../statement.ts";

/** What a lease needs besides the server. */
export interface LeaseOptions {
  /** The holder, and the lock's name. */
  readonly presence: Presence;
  readonly lease: LeaseTerms;
  /** SQL for the highest number that the ledger has given as a token; undefined if no ledger is known. */
  readonly lastRun?: Statement | undefined;
  /** Whether the ledger is in use, so that it may give tokens between two leases. */
  readonly recorded: boolean;
  /** As in `LockOptions`. */
  readonly slots?: number | undefined;
  readonly also?: readonly string[] | undefined;
  readonly maxWaiters?: number | undefined;
  /** Called with what is wrong before each retry. */
  readonly retrying: (why: LockUnavailableError) => void;
  /** Called when the holder has reconnected, with the reason why the previous connection ended. */
  readonly reconnected?: ((where: string, why: Trouble) => void) | undefined;
}

/** @param tableIn Writes a table's name in the database's SQL. */
export function leaseOptions(
  { presence, lease, ledger, slots, also, maxWaiters, retrying, reconnected }:
    & LockOptions
    & Pick<LeaseOptions, "presence">,
  tableIn: (name: TableName) => Statement,
): LeaseOptions {
  return {
    ...{ presence, lease, slots, also, maxWaiters, retrying, reconnected },
    recorded: ledger?.on ?? false,
    lastRun: ledger && sql`(SELECT MAX(id) FROM ${tableIn(ledger.table)})`,
  };
}
