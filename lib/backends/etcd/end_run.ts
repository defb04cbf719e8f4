import type { Outcome } from "../../ledger/run.ts";
import type { JsonObject } from "./json.ts";
import { asRuns } from "./ledger_reading.ts";
import type { LedgerStore } from "./ledger_store.ts";
import { step, when } from "./requests.ts";
import { pointerTo } from "./pointer.ts";
import type { StoredRun } from "./stored_run.ts";

/** How many times to retry when others change the same run meanwhile. */
const TRIES = 5;

/** What to record of a run that has ended. */
export interface Ending {
  readonly outcome: Outcome;
  /** Properties of its value. */
  readonly more?: JsonObject;
  /** Until when it is kept, in milliseconds since 1970; `keep` leaves it unchanged. */
  readonly expires: number | "keep";
  /** Whether it certainly counts for no `--every`. */
  readonly countsNever: boolean;
  /** Whether the lock may be released in the same transaction. */
  readonly isLast?: boolean;
}

/**
 * Records that a run has ended, unless it has ended already.
 *
 * @returns The run as it then is; undefined if it has been deleted.
 * @throws {LockUnavailableError} When that cannot be recorded.
 */
export async function endRun(store: LedgerStore, run: StoredRun, ending: Ending): Promise<StoredRun | undefined> {
  const { keys } = store;
  let seen = run;
  for (let tries = 1; seen.outcome === "running" && tries <= TRIES; tries++) {
    const { id, lock } = seen;
    const expires = ending.expires === "keep" ? seen.expires : ending.expires;
    const value = {
      ...seen.json,
      ...ending.more,
      outcome: ending.outcome,
      ...expires === undefined ? {} : { expires },
    };
    const key = keys.run(id);
    const change: Parameters<LedgerStore["change"]> = [
      [when.changed(key, "EQUAL", seen.changed)],
      [
        step.put(key, JSON.stringify(value)),
        step.deleteRange(keys.running(lock, id)),
        ...ending.countsNever ? [step.deleteRange(keys.every(lock, id))] : [],
        ...expires === undefined ? [] : [step.put(keys.expires(expires, id), "")],
        ...lastWith(ending.outcome).map((end) => step.put(keys.last(lock, end), JSON.stringify(pointerTo(id)))),
      ],
      { key },
    ];
    const { done, revision, found } = ending.isLast
      ? await store.changeLast(...change, (found) => asRuns(found)[0]?.outcome === ending.outcome)
      : await store.change(...change);
    if (done) return { ...seen, outcome: ending.outcome, json: value, changed: revision, expires };
    const [now] = asRuns(found);
    if (now === undefined) return undefined;
    seen = now;
  }
  return seen;
}

/** The kinds of latest run that this outcome makes it. */
export function lastWith(outcome: string): readonly ("succeeded" | "failed")[] {
  if (outcome === "succeeded") return ["succeeded"];
  return outcome === "failed" || outcome === "abandoned" ? ["failed"] : [];
}
