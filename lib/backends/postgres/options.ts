import type { LockUnavailableError } from "../../errors.ts";
import type { LeaseTerms } from "../../lock/lease.ts";
import type { Presence } from "../../lock/presence.ts";

/** How a session is set up. */
export interface PostgresSessionOptions {
  /** Whose the session is, for those who look at the server. */
  readonly presence: Presence;
  readonly lease: LeaseTerms;
  /** Whether to lock also where a lock does not exclude everybody. */
  readonly allowUnsafeServer: boolean;
  /** How long a server may take to answer, in milliseconds, when that is not to be the usual time. */
  readonly answerTimeout?: number;
}

/** What a lock on PostgreSQL needs to know besides the server. */
export interface PostgresOptions extends PostgresSessionOptions {
  /** Told of what is wrong before each further try. */
  readonly retrying: (why: LockUnavailableError) => void;
}
