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
  /** How long a server may take to answer, in milliseconds; by default `DEFAULT_TIMEOUT`. */
  readonly answerTimeout?: number;
}

/** What a lock on PostgreSQL needs to know besides the server. */
export interface PostgresOptions extends PostgresSessionOptions {
  /** Called with the reason before each retry. */
  readonly retrying: (why: LockUnavailableError) => void;
}
