/** What can be seen of a lock's holder, or of somebody who waits for it. Whoever it is may have made the texts up. */
export interface Sighting {
  /** The lock's name; for a lock of PostgreSQL whose full name nobody tells, what the server shows of it. */
  readonly lock: string;
  readonly state: "held" | "waiting";
  readonly host?: string | undefined;
  readonly pid?: number | undefined;
  readonly label?: string | undefined;
  /** Milliseconds since 1970, by the server's clock if it tells, else by the other host's. */
  readonly since?: number | undefined;
  /** What happened then; a session may have connected some time before it got the lock. */
  readonly sinceIs?: "acquired" | "connected" | "waiting" | undefined;
  /** The database's user. */
  readonly user?: string | undefined;
  /** Where the session comes from, as the server shows it. */
  readonly address?: string | undefined;
  /** The number of the connection; on PostgreSQL the process that serves it. */
  readonly session?: number | undefined;
  /** The run's id in the ledger. */
  readonly runId?: bigint | undefined;
}

/** Which locks to look at. */
export type Whose = { readonly lock: string } | "all";
