import type { Deadline } from "../../../deadline.ts";
import type { TableName } from "../../../ledger/table_name.ts";
import type { LockFilter, Seen } from "../../../who/sighting.ts";
import type { SettingsFrom } from "../asker.ts";
import type { Outcome } from "../batch.ts";
import type { ReleaseWhere } from "../release_where.ts";
import type { Session } from "../session.ts";
import type { Statement } from "../statement.ts";
import type { LeaseTable } from "./table.ts";

/** What a lease needs of a kind of database. Each call may throw a `LockUnavailableError`. */
export interface LeaseServer<S extends Session> {
  /** All servers of the setting, for messages. */
  readonly where: string;
  readonly table: LeaseTable;
  /** The session locks, of which that of the same name saves waiters from polling where it works. */
  readonly queue: SessionQueue<S>;
  /**
   * Connects to a server that takes writes, in a session that is set up for the table and the ledger.
   *
   * @param limit In how many milliseconds the signal will abort it.
   */
  open(signal: AbortSignal, limit: number): Promise<S>;
  /** Whether session locks there exclude everybody who reaches the same leases. */
  hasSessionLocks(session: S): boolean;
  /** Whether a session may have more than one of them; if not, each that it gets ends the one before. */
  takesSeveralLocks(session: S): boolean;
  /**
   * Whether a statement failed only since another transaction or an administrator was in its way, or since it took too
   * long, so that it may succeed in the same session a moment later. Of a table that is missing, too, another session
   * would know no more; and who keeps the session lock keeps others from making the table anew.
   *
   * @param cause The database's error.
   */
  isInTheWay(cause: unknown): boolean;
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
   * Waits for one until the deadline. Returns whether the session, which must not have it yet, has it now.
   *
   * @throws {OtherSlotsError} When it can see that somebody takes the lock to have another number of slots.
   */
  enter(session: S, name: string, deadline: Deadline, signal: AbortSignal): Promise<boolean>;
  /**
   * The same for any slot of the lock that is asked for; returns its number. Undefined where session locks know of no slots:
   * there the first of those who wait looks for one again and again.
   *
   * @throws {OtherSlotsError} When somebody has such a lock who takes it to have another number of slots.
   */
  enterSlot?(session: S, deadline: Deadline, signal: AbortSignal): Promise<number | undefined>;
  /**
   * Like `enter`, with further statements in the message, to be run when it is granted. Returns what came of them, or nothing
   * if the server does not take them along; undefined if the session does not have the lock. Absent where none can be.
   */
  enterAnd?(
    session: S,
    name: string,
    deadline: Deadline,
    signal: AbortSignal,
    next: readonly Statement[],
  ): Promise<readonly Outcome[] | undefined>;
  /** Takes the first one that is free, in one statement without waiting. Returns its name; undefined if none is. */
  enterAny(session: S, names: readonly string[], signal: AbortSignal): Promise<string | undefined>;
  /** Releases one. Returns whether the session had it. */
  leave(session: S, name: string): Promise<boolean>;
  /** Releases one in a batch, where a condition holds. */
  leaveWhere(session: S, name: string, condition: Statement): ReleaseWhere;
}
