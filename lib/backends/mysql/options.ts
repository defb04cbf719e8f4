import type { LockUnavailableError } from "../../errors.ts";
import type { LeaseTerms } from "../../lock/lease.ts";
import type { Presence } from "../../lock/presence.ts";

/** What a lock on MySQL or MariaDB needs to know besides the server. */
export interface MySqlOptions {
  /** PEM file with the CA that signed the server's certificate. */
  readonly tlsCa?: string | undefined;
  readonly lease: LeaseTerms;
  /** Whose the session is, for those who look at the server. */
  readonly presence: Presence;
  /** Whether to lock also where a lock does not exclude everybody. */
  readonly allowUnsafeServer: boolean;
  /** Told of what is wrong before each further try. */
  readonly retrying: (why: LockUnavailableError) => void;
}
