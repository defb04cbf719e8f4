import type { Session } from "../session.ts";
import type { LeaseConnection } from "./connection.ts";
import type { SessionLocks } from "./session_locks.ts";
import type { LeaseServer } from "./server.ts";
import type { OwnRow } from "./table.ts";

/** The leases that sera holds for one lock, and their session locks. */
export interface KeptLease<S extends Session> {
  /** The row of the lock itself or its slot first. */
  readonly rows: readonly OwnRow[];
  /** The slot, if there are slots. */
  readonly slot?: number | undefined;
  /** In milliseconds. */
  readonly ttl: number;
  readonly server: LeaseServer<S>;
  readonly connection: LeaseConnection<S>;
  readonly sessionLocks: SessionLocks<S>;
}
