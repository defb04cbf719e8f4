import { RunGoneError } from "../../ledger/ledger.ts";
import type { RecordedRun, Runner } from "../../ledger/run.ts";
import { forgotLabel } from "../../ledger/summary.ts";
import { addRun } from "./begin_run.ts";
import { runsOf } from "./ledger_reading.ts";
import type { LedgerStore } from "./ledger_store.ts";
import { step } from "./requests.ts";
import { newRun } from "./stored_run.ts";

/**
 * Makes a run no longer count, and records who did it, in one transaction. Keys that name the run as the latest of its kind
 * stay: sera, older versions included, reads the run itself before it counts.
 *
 * @param expires Until when both are kept, in milliseconds since 1970.
 * @param isFirst Whether no run has been added yet under this lock.
 * @throws {RunGoneError} When the run has changed since it was read.
 * @throws {LockUnavailableError} When the ledger cannot be used.
 */
export async function forgetRun(
  store: LedgerStore,
  { id, outcome }: RecordedRun,
  by: Runner,
  expires: number,
  isFirst: boolean,
): Promise<void> {
  const { keys } = store;
  const [run] = await runsOf(store, [id]);
  if (run?.outcome !== outcome) {
    const what = run ? `run ${id} is marked as ${run.outcome}` : `run ${id} has been deleted`;
    throw new RunGoneError(store.failure({ what }), run === undefined);
  }
  const now = Date.now();
  const about = newRun(run.lock, run.key, { ...by, label: forgotLabel(run, by) }, {
    outcome: "forgot",
    started: now,
    finished: now,
    expires,
  });
  const forgotten = JSON.stringify({ ...run.json, outcome: "forgotten", expires });
  await addRun(store, about, (number) => [
    step.put(keys.expires(expires, number), ""),
    step.put(keys.run(id), forgotten),
    step.put(keys.expires(expires, id), ""),
    step.deleteRange(keys.every(run.lock, id)),
  ], isFirst);
}
