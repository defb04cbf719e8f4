/** What can be seen of a holder or waiter. Its texts are self-reported, and may be forged. */
export interface Sighting {
  /** The lock's name, without the slot; on PostgreSQL, if the holder does not report the full name, what the server shows of it. */
  readonly lock: string;
  readonly state: "held" | "waiting";
  /** The slot that is held; undefined for a plain lock, for slot 0 if the holder does not show it, and for a waiter. */
  readonly slot?: number | undefined;
  /** How many slots the lock has for the holder or waiter, if it shows that. */
  readonly slots?: number | undefined;
  /** For a namespaced lock, the texts behind its two numbers, if known. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly host?: string | undefined;
  readonly pid?: number | undefined;
  readonly label?: string | undefined;
  /** Milliseconds since 1970, by the server's clock if the server gives the time, else by the other host's. */
  readonly since?: number | undefined;
  /** What happened then; a session may have connected long before it got the lock. */
  readonly sinceIs?: "acquired" | "connected" | "waiting" | undefined;
  /** A smaller one came earlier, where the lock is first-come, first-served. */
  readonly queuePosition?: bigint | undefined;
  /** The database user. */
  readonly user?: string | undefined;
  /** Where the session comes from, as the server shows it. */
  readonly address?: string | undefined;
  /** The server's number for the session; on PostgreSQL the process that serves it. */
  readonly session?: number | undefined;
  /** The run's id in the ledger. */
  readonly runId?: bigint | undefined;
  /** Its lease, if it has one. */
  readonly lease?: SeenLease | undefined;
}

/** What is known about a holder's lease. */
export interface SeenLease {
  /** The fencing token. */
  readonly token: bigint;
  /** How long it is still valid by the server's clock, in milliseconds; negative once it has expired. */
  readonly left: number;
  /** How long ago it was renewed, in milliseconds; never negative. */
  readonly silent: number;
  /** How long a newcomer must see it silent before it may take it over, in milliseconds. */
  readonly freeIn: number;
}

/** A session of sera's that may hold a lock or wait for one; the server does not say which. */
export interface OtherSession extends Pick<Sighting, "host" | "pid" | "label" | "user" | "address"> {
  readonly session: number;
}

/** What was seen of locks. */
export interface Seen {
  readonly sightings: readonly Sighting[];
  /** What cannot be seen, why, and what to do about it; undefined if everything can. */
  readonly hidden?: string | undefined;
  /** Why a holder is shown without host, process and label, and what to do; undefined if none is, or it is not known. */
  readonly nameless?: string | undefined;
  /** Whether all holders are seen, so that only waiters can be missing. */
  readonly showsHolders?: boolean;
  readonly otherSessions: readonly OtherSession[];
}

/** Which locks to look at: one with all its slots, those of a namespace, or all of sera's. */
export type LockFilter = { readonly lock: string } | { readonly namespace: string } | "all";
