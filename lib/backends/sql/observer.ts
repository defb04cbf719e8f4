import type { Observer } from "../backend.ts";
import { UnfitServerError } from "../../errors.ts";
import type { Patience } from "../../ledger/patience.ts";
import type { TableName } from "../../ledger/table_name.ts";
import type { LockFilter, Seen } from "../../who/sighting.ts";
import { SqlLedger } from "./ledger.ts";
import type { Store } from "./ledger_table.ts";
import type { Session } from "./session.ts";
import type { SessionLock } from "./session_lock.ts";

/** How a kind of database is looked at. Each look may throw a `LockUnavailableError`. */
export interface Looks<S extends Session> {
  /** Makes a lock, for its session: as a run does, or on any server, also one that a run would refuse. */
  open(from: "fit server" | "any server"): SessionLock<S>;
  /** Whether each statement may be answered by another session, so that nothing can be told. */
  isScattered(session: S): boolean;
  /** Which locks are another server's, and what to do; undefined if none. */
  elsewhere(session: S, signal: AbortSignal): Promise<string | undefined>;
  sightings(session: S, filter: LockFilter, table: TableName, signal: AbortSignal): Promise<Seen>;
  ledger(session: S, table: TableName, patience: Patience): Promise<Store>;
}

/**
 * Connects to a database to look only: a server that a run would refuse, for it is read-only, a standby, or one of several
 * that each keep their own locks, is good enough. Of several hosts one that a run would take comes first.
 *
 * @throws {LockUnavailableError} When the server cannot be asked.
 */
export async function observeDatabase<S extends Session>(looks: Looks<S>, signal: AbortSignal): Promise<Observer> {
  let lock = looks.open("fit server");
  try {
    try {
      await lock.session(signal);
    } catch (error) {
      if (!(error instanceof UnfitServerError)) throw error;
      lock = looks.open("any server");
      if (looks.isScattered(await lock.session(signal))) throw error;
    }
    const elsewhere = await looks.elsewhere(await lock.session(signal), signal);
    return {
      elsewhere,
      sightings: async (filter, table, signal) =>
        await looks.sightings(await lock.session(signal), filter, table, signal),
      ledger: async (table, patience) =>
        new SqlLedger(await looks.ledger(await lock.session(signal), table, patience), patience),
      [Symbol.asyncDispose]: () => lock[Symbol.asyncDispose](),
    };
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}
