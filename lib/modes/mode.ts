import { Deadline } from "../deadline.ts";
import type { LockUnavailableError } from "../errors.ts";
import type { LedgerRun } from "../ledger/begun_run.ts";
import type { HeldLock, Lock } from "../lock/lock.ts";
import type { Logger } from "../log/logger.ts";

/** The lock is ours: run the command. */
export interface HeldResult {
  readonly outcome: "held";
  readonly lock: HeldLock;
  /** The run in the ledger, if there is one. */
  readonly run?: LedgerRun | undefined;
  /** A message to log before the command runs. */
  readonly note?: string | undefined;
}

/** The command is skipped; the lock is still held. */
export interface SkippedResult {
  readonly outcome: "skipped";
  readonly lock: HeldLock;
  /** Why, for messages. */
  readonly reason: string;
}

/** Somebody else held the lock for the whole wait. */
export interface BusyResult {
  readonly outcome: "busy";
}

/** The result of asking for the lock. */
export type LockResult = HeldResult | SkippedResult | BusyResult;

/** How a mode asks for the lock. */
export interface AcquireOptions {
  /** How long to wait, in milliseconds, as for {@linkcode Lock.acquire}. */
  readonly wait: number;
  /** Ends the wait. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** Called when somebody else holds the lock and the wait begins; absent if that need not be reported. */
  readonly waiting?: (() => Promise<void>) | undefined;
  /** Called with errors of the ledger that sera waits out. */
  readonly retrying: (why: LockUnavailableError) => void;
}

/** Asks for the lock, and decides whether to run the command. */
export type Mode = (lock: Lock, options: AcquireOptions) => Promise<LockResult>;

/** Everyone runs the command, one at a time. With a wait of 0 this is "execute once": latecomers find the lock busy. */
export const everyoneExecutes: Mode = async (lock, { wait, signal, waiting }) => {
  const held = waiting && wait > 0
    ? await acquireReportingWait(lock, wait, signal, waiting)
    : await lock.acquire(wait, signal);
  return held ? { outcome: "held", lock: held } : { outcome: "busy" };
};

/** The first one runs the command; latecomers wait until the lock is free again, and skip. */
export const waitAndSkip: Mode = async (lock, { wait, signal, logger, waiting }) => {
  const first = await lock.acquire(0, signal, wait);
  if (first) return { outcome: "held", lock: first, note: "First past the post - executing the command." };
  const deadline = new Deadline(wait);
  if (wait > 0 && waiting) {
    logger.log("info", "waiting", "Somebody else holds the lock - waiting for them; this run will be skipped.");
    await waiting();
  }
  const second = await lock.acquire(deadline.remaining, signal);
  return second ? { outcome: "skipped", lock: second, reason: "They have finished" } : { outcome: "busy" };
};

/** Tries once before it waits, so that it can report that it waits. */
async function acquireReportingWait(
  lock: Lock,
  wait: number,
  signal: AbortSignal,
  waiting: () => Promise<void>,
): Promise<HeldLock | undefined> {
  const held = await lock.acquire(0, signal, wait);
  if (held) return held;
  const deadline = new Deadline(wait);
  await waiting();
  return await lock.acquire(deadline.remaining, signal);
}
