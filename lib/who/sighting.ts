/** What can be seen of a lock's holder, or of somebody who waits for it. Whoever it is may have made the texts up. */
export interface Sighting {
  /** The lock's name; for a lock of PostgreSQL whose full name nobody tells, what the server shows of it. */
  readonly lock: string;
  readonly state: "held" | "waiting";
  /** Of a namespaced lock, what its two numbers are made of, as far as somebody tells. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
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

/** A session that may hold a lock, or wait for one, where the server does not say which. */
export interface Stranger extends Pick<Sighting, "host" | "pid" | "label" | "user" | "address"> {
  readonly session: number;
}

/** What came of a look. */
export interface Seen {
  readonly sightings: readonly Sighting[];
  /** What cannot be seen, why, and what to do about it; undefined where everything can. */
  readonly hidden?: string | undefined;
  /** Whether no more than waiters can be missing, so that it is known which locks are held. */
  readonly showsHolders?: boolean;
  readonly strangers: readonly Stranger[];
}

/** Which locks to look at: one, those of a namespace, or all of sera's. */
export type Whose = { readonly lock: string } | { readonly namespace: string } | "all";
