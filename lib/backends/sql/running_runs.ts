import type { Dialect } from "./dialect.ts";
import { readLatest } from "./rows.ts";
import type { RecordedRun } from "../../ledger/run.ts";
import type { Session } from "./session.ts";
import { askIfAllowed } from "./ask_if_allowed.ts";
import { slotIn } from "../../lock/slot_name.ts";
import { sql, type Statement } from "./statement.ts";
import type { Sighting } from "../../who/sighting.ts";

/** The maximum number of runs to read. Crashed runs are among them until their lock is held again. */
const MAX_RUNS = 1000;

/** The runs that have not ended according to the ledger, newest first; none if it cannot be read, or others keep it locked. */
export async function runningRuns(
  session: Session,
  dialect: Dialect,
  condition: Statement,
  signal: AbortSignal,
): Promise<readonly RecordedRun[]> {
  const running = sql`outcome = 'running' AND (${condition})`;
  const { withShortWait = (statement) => statement } = dialect;
  const ask = (statement: Statement) => askIfAllowed(session, withShortWait(statement), signal);
  return await readLatest(dialect, running, MAX_RUNS, ask);
}

/**
 * Adds to a holder what the ledger knows of its run. Compares more than the session's number, since a restarted server
 * reuses numbers.
 *
 * @param shown The part of a lock's name that the server shows, if it does not show all of it.
 */
export function withRun(
  holder: Sighting,
  runs: readonly RecordedRun[],
  shown: (lock: string) => string | undefined = (lock) => lock,
): Sighting {
  const isTheirs = (recorded: string) => {
    const { lock, slot } = slotIn(recorded);
    return slot === (holder.slot ?? 0) && (lock === holder.lock || shown(lock) === holder.lock);
  };
  const run = holder.session === undefined
    ? undefined
    : runs.find(({ lock, session, pid }) =>
      isTheirs(lock) && session === holder.session && (holder.pid === undefined || holder.pid === pid)
    );
  if (!run) return holder;
  const { id, host, pid, label, started } = run;
  const { lock } = slotIn(run.lock);
  const named = { ...holder, lock, runId: id, host, pid, label };
  return started === undefined ? named : { ...named, since: started, sinceIs: "acquired" };
}
