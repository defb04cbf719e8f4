import type { LockUnavailableError } from "../../errors.ts";
import type { LeaseTerms } from "../../lock/lease.ts";
import type { Presence } from "../../lock/presence.ts";

/** How a session is set up. */
export interface PostgresSessionOptions {
  /** What others can see of this sera on the server. */
  readonly presence: Presence;
  readonly lease: LeaseTerms;
  /** Whether to lock even on a server whose locks are not cluster-wide. */
  readonly allowUnsafeServer: boolean;
  /**
   * Whether the session serves a lease, which outlives it. Then the server must take writes, the settings suit the
   * tables of leases and of runs as well, and a pooler's server session is left as it was.
   */
  readonly leased?: boolean;
  /** Whether a session for leases only reads them, so that any server will do. */
  readonly observesOnly?: boolean;
  /**
   * How long a server may take to answer, in milliseconds; by default `DEFAULT_TIMEOUT`, or less for a leased session.
   */
  readonly answerTimeout?: number;
}

/** What a lock on PostgreSQL needs to know besides the server. */
export interface PostgresOptions extends PostgresSessionOptions {
  /** Called with the reason before each retry. */
  readonly retrying: (why: LockUnavailableError) => void;
  /** As in `LockOptions`. */
  readonly also?: readonly string[] | undefined;
  readonly maxWaiters?: number | undefined;
}
