import { Deadline } from "../deadline.ts";
import type { LockUnavailableError } from "../errors.ts";
import type { LedgerRun } from "../ledger/begun_run.ts";
import type { HeldLock, Lock } from "../lock/lock.ts";
import type { Logger } from "../log/logger.ts";

/** What came of trying to get the lock. */
export type Turn =
  /** It is ours: run the command, and say the note when it is sure to run. */
  | { readonly outcome: "held"; readonly lock: HeldLock; readonly run?: LedgerRun; readonly note?: string }
  /** Somebody else held it for the whole wait. */
  | { readonly outcome: "busy" }
  /** There is nothing to do, as the reason says; the lock is still held. */
  | { readonly outcome: "skipped"; readonly lock: HeldLock; readonly reason: string };

/** What a mode goes by. */
export interface Wishes {
  /** How long to wait, in milliseconds, as {@linkcode Lock.acquire} has it. */
  readonly wait: number;
  /** Abandons the wait. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** Called when somebody else has the lock and it is going to be waited for; absent if nobody wants to know. */
  readonly waiting?: (() => Promise<void>) | undefined;
  /** Told of trouble with the ledger that is waited out. */
  readonly retrying: (why: LockUnavailableError) => void;
}

/** One way to run: decides whether it is our turn. */
export type Mode = (backend: Lock, wishes: Wishes) => Promise<Turn>;

/** Everyone runs the command, one at a time. With a wait of 0 that is "execute once": whoever comes late is busy. */
export const everyoneExecutes: Mode = async (backend, { wait, signal, waiting }) => {
  const lock = waiting && wait > 0
    ? await acquireTelling(backend, wait, signal, waiting)
    : await backend.acquire(wait, signal);
  return lock ? { outcome: "held", lock } : { outcome: "busy" };
};

/** The first one runs the command; whoever finds the lock taken waits until it is free again, and skips. */
export const waitAndSkip: Mode = async (backend, { wait, signal, logger, waiting }) => {
  const first = await backend.acquire(0, signal, wait);
  if (first) return { outcome: "held", lock: first, note: "First past the post - executing the command." };
  logger.log("info", "waiting", "Someone else holds the lock - waiting for them; this run will be skipped.");
  const deadline = new Deadline(wait);
  if (wait > 0) await waiting?.();
  const second = await backend.acquire(deadline.remaining, signal);
  return second ? { outcome: "skipped", lock: second, reason: "They are done" } : { outcome: "busy" };
};

/** Looks before it waits, so that it can be told that it waits. */
async function acquireTelling(
  backend: Lock,
  wait: number,
  signal: AbortSignal,
  waiting: () => Promise<void>,
): Promise<HeldLock | undefined> {
  const lock = await backend.acquire(0, signal, wait);
  if (lock) return lock;
  const deadline = new Deadline(wait);
  await waiting();
  return await backend.acquire(deadline.remaining, signal);
}
