import type { Deadline } from "../../../deadline.ts";
import type { TableName } from "../../../ledger/table_name.ts";
import type { LockFilter, Seen } from "../../../who/sighting.ts";
import type { SettingsFrom } from "../querier.ts";
import type { Outcome } from "../batch.ts";
import type { ReleaseWhere } from "../release_where.ts";
import type { Session } from "../session.ts";
import type { Statement } from "../statement.ts";
import type { LeaseTable } from "./table.ts";

/** What a lease needs from a kind of database. Each method may throw a `LockUnavailableError`. */
export interface LeaseServer<S extends Session> {
  /** All servers of the setting, for messages. */
  readonly where: string;
  readonly table: LeaseTable;
  /** The session locks: where they work, waiters wait for the one with the same name instead of polling. */
  readonly queue: SessionQueue<S>;
  /**
   * Connects to a server that takes writes, in a session that is set up for the table and the ledger.
   *
   * @param limit Milliseconds after which the signal aborts it.
   */
  open(signal: AbortSignal, limit: number): Promise<S>;
  /** Whether session locks there exclude everybody who uses the same leases. */
  hasSessionLocks(session: S): boolean;
  /** Whether a session can hold more than one of them; if not, taking one releases the one before. */
  takesSeveralLocks(session: S): boolean;
  /**
   * Whether to keep the session after an error: another transaction, an administrator or a timeout stopped it, so
   * it may succeed in the same session a moment later. Also for a missing table: another session could not find it either,
   * and holding the session lock keeps others from creating the table again.
   *
   * @param cause The database's error.
   */
  keepsSession(cause: unknown): boolean;
  /** Where statements in a session get their settings from. */
  settingsFrom(session: S): SettingsFrom;
  /**
   * Who holds session locks and who waits for them, as far as this user may see.
   *
   * @param known Locks that somebody holds, by their leases.
   */
  sightings(
    session: S,
    filter: LockFilter,
    ledger: TableName,
    signal: AbortSignal,
    known: readonly string[],
  ): Promise<Seen>;
}

/** Session locks, by their names. */
export interface SessionQueue<S extends Session> {
  /**
   * Waits for one until the deadline. The session must not have it yet. Returns whether it has it now.
   *
   * @throws {OtherSlotsError} When it can see that others use another number of slots.
   */
  enter(session: S, name: string, deadline: Deadline, signal: AbortSignal): Promise<boolean>;
  /**
   * The same for any slot of the lock that is asked for; returns its number. Absent where session locks have no slots: there
   * the first waiter polls for one.
   *
   * @throws {OtherSlotsError} When others hold such a lock with another number of slots.
   */
  enterSlot?(session: S, deadline: Deadline, signal: AbortSignal): Promise<number | undefined>;
  /**
   * Like `enter`, with further statements in the same message, to be run when it is granted. Returns their outcomes, none if
   * the server does not accept them; undefined if the session does not have the lock. Absent where it is impossible.
   */
  enterAnd?(
    session: S,
    name: string,
    deadline: Deadline,
    signal: AbortSignal,
    next: readonly Statement[],
  ): Promise<readonly Outcome[] | undefined>;
  /** Takes the first free one, in one statement without waiting. Returns its name; undefined if none is free. */
  enterAny(session: S, names: readonly string[], signal: AbortSignal): Promise<string | undefined>;
  /** Releases one. Returns whether the session had it. */
  leave(session: S, name: string): Promise<boolean>;
  /** Releases one as part of a batch, if a condition is true. */
  leaveWhere(session: S, name: string, condition: Statement): ReleaseWhere;
}
