import { Deadline } from "../deadline.ts";
import { LockLostError, LockUnavailableError } from "../errors.ts";
import type { Recorder } from "../ledger/recorder.ts";
import { retryWhileHeld } from "../ledger/retry_while_held.ts";
import type { HeldLock } from "../lock/lock.ts";
import type { HeldResult, Mode, SkippedResult } from "./mode.ts";

/**
 * A mode that skips a command if an earlier run in the ledger counts. Transient errors of the ledger are retried until the
 * wait runs out, as those of the lock are; a lock that is lost meanwhile is asked for again.
 */
export function atMostOnce(mode: Mode, recorder: Recorder): Mode {
  return async (asked, options) => {
    const deadline = new Deadline(options.wait);
    let { wait } = options;
    const within = wait === 0 ? undefined : deadline;
    for (;;) {
      const turn = await mode(asked, { ...options, wait });
      if (turn.outcome === "busy") return turn;
      const { lock } = turn;
      try {
        return await retryWhileHeld(lock, {
          deadline,
          signal: options.signal,
          mayPass: ({ transient }) => transient,
          retrying: options.retrying,
        }, () => recordTurn(turn, recorder, within));
      } catch (error) {
        if (!(error instanceof LockUnavailableError && lock.lost.aborted) || deadline.passed) throw error;
        options.signal.throwIfAborted();
        options.retrying(error);
        await giveUp(lock);
        wait = deadline.remaining;
      }
    }
  };
}

async function recordTurn(
  turn: HeldResult | SkippedResult,
  recorder: Recorder,
  within: Deadline | undefined,
): Promise<HeldResult | SkippedResult> {
  const { lock } = turn;
  if (turn.outcome === "skipped") {
    await recorder.skip(lock, within);
    return turn;
  }
  const begun = await recorder.begin(lock, within);
  return typeof begun === "string" ? { outcome: "skipped", lock, reason: begun } : { ...turn, run: begun };
}

/** Frees what a lost lock still uses. */
async function giveUp(lock: HeldLock): Promise<void> {
  if (lock.session) return lock.session.destroy();
  await lock.release().catch((error: unknown) => {
    if (!(error instanceof LockLostError)) throw error;
  });
}
