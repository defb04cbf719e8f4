import type { Observer } from "../backend.ts";
import { UnfitServerError } from "../../errors.ts";
import type { Patience } from "../../ledger/patience.ts";
import type { TableName } from "../../ledger/table_name.ts";
import type { HolderHandle } from "../../who/holder_handle.ts";
import type { LockFilter, Seen, Sighting } from "../../who/sighting.ts";
import { SqlLedger } from "./ledger.ts";
import type { Store } from "./store.ts";
import type { Session } from "./session.ts";
import type { SessionLock } from "./session_lock.ts";

/** What an observer asks of a kind of database. Each may throw a `LockUnavailableError`. */
export interface ObserverQueries<S extends Session> {
  /** Makes a lock, for the sake of its session: on a server that a run would use, or on any. */
  open(from: "fit server" | "any server"): SessionLock<S>;
  /** Whether a proxy spreads the statements over several sessions, which makes the answers useless. */
  isScattered(session: S): boolean;
  /** Says which locks are kept by another server, and what to do; undefined if none. */
  elsewhere(session: S, signal: AbortSignal): Promise<string | undefined>;
  sightings(session: S, filter: LockFilter, table: TableName, signal: AbortSignal): Promise<Seen>;
  /** As `Observer.handleOf()`; the session is reopened if it has ended. */
  handleOf(holder: Sighting, session: () => Promise<S>, signal: AbortSignal): Promise<HolderHandle>;
  ledger(session: S, table: TableName, patience: Patience): Store;
}

/**
 * Connects to a database for reading only. Of several hosts it prefers one that a run would use; otherwise it accepts one
 * that a run would refuse: a read-only server, a standby, or one of several that each keep their own locks.
 *
 * @throws {LockUnavailableError} When the server cannot be asked.
 */
export async function observeDatabase<S extends Session>(
  queries: ObserverQueries<S>,
  signal: AbortSignal,
): Promise<Observer> {
  let lock = queries.open("fit server");
  try {
    try {
      await lock.session(signal);
    } catch (error) {
      if (!(error instanceof UnfitServerError)) throw error;
      lock = queries.open("any server");
      if (queries.isScattered(await lock.session(signal))) throw error;
    }
    const elsewhere = await queries.elsewhere(await lock.session(signal), signal);
    return {
      elsewhere,
      sightings: async (filter, table, signal) =>
        await queries.sightings(await lock.session(signal), filter, table, signal),
      handleOf: async (holder, signal) => await queries.handleOf(holder, () => lock.session(signal), signal),
      ledger: async (table, patience) =>
        new SqlLedger(queries.ledger(await lock.session(signal), table, patience), patience),
      [Symbol.asyncDispose]: () => lock[Symbol.asyncDispose](),
    };
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}
