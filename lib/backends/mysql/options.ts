import type { LockUnavailableError } from "../../errors.ts";
import type { LeaseTerms } from "../../lock/lease.ts";
import type { Limits } from "../../lock/limits.ts";
import type { Presence } from "../../lock/presence.ts";

/** What a lock on MySQL or MariaDB needs to know besides the server. */
export interface MySqlOptions extends Limits {
  /** PEM file with the CA that signed the server's certificate. */
  readonly tlsCa?: string | undefined;
  readonly lease: LeaseTerms;
  /** What others can see of this sera on the server. */
  readonly presence: Presence;
  /** Whether the lock is kept in a row, which also works on the nodes of a cluster. */
  readonly leased: boolean;
  /** Whether a session for leases only reads them, so that any server is good enough. */
  readonly observesOnly?: boolean;
  /** Whether to lock even on a server whose locks are not cluster-wide. */
  readonly allowUnsafeServer: boolean;
  /** Called with the reason before each retry. */
  readonly retrying: (why: LockUnavailableError) => void;
}
