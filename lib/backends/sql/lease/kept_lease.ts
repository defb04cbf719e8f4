import type { Session } from "../session.ts";
import type { LeaseConnection } from "./connection.ts";
import type { Entered } from "./entered.ts";
import type { LeaseServer } from "./server.ts";
import type { OwnRow } from "./table.ts";

/** Leases that sera has, which are one lock, and the session locks beside them. */
export interface KeptLease<S extends Session> {
  /** That of the lock itself, or of its slot, first. */
  readonly rows: readonly OwnRow[];
  /** The slot, if there are slots. */
  readonly slot?: number | undefined;
  /** In milliseconds. */
  readonly ttl: number;
  readonly server: LeaseServer<S>;
  readonly connection: LeaseConnection<S>;
  readonly entered: Entered<S>;
}
