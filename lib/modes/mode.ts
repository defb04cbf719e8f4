import { Deadline } from "../deadline.ts";
import type { LockUnavailableError } from "../errors.ts";
import type { LedgerRun } from "../ledger/begun_run.ts";
import type { HeldLock, Lock } from "../lock/lock.ts";
import type { Logger } from "../log/logger.ts";

/** The lock is ours: run the command. */
export interface HeldTurn {
  readonly outcome: "held";
  readonly lock: HeldLock;
  /** The run in the ledger, if there is one. */
  readonly run?: LedgerRun | undefined;
  /** What to say when the command is sure to run. */
  readonly note?: string | undefined;
}

/** There is nothing to do; the lock is still held. */
export interface SkippedTurn {
  readonly outcome: "skipped";
  readonly lock: HeldLock;
  /** Why, for people. */
  readonly reason: string;
}

/** Somebody else held the lock for the whole wait. */
export interface BusyTurn {
  readonly outcome: "busy";
}

/** What came of asking for the lock. */
export type Turn = HeldTurn | SkippedTurn | BusyTurn;

/** How a mode asks for the lock. */
export interface AcquireOptions {
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
export type Mode = (lock: Lock, options: AcquireOptions) => Promise<Turn>;

/** Everyone runs the command, one at a time. With a wait of 0 that is "execute once": whoever comes late is busy. */
export const everyoneExecutes: Mode = async (lock, { wait, signal, waiting }) => {
  const held = waiting && wait > 0
    ? await acquireTelling(lock, wait, signal, waiting)
    : await lock.acquire(wait, signal);
  return held ? { outcome: "held", lock: held } : { outcome: "busy" };
};

/** The first one runs the command; whoever finds the lock taken waits until it is free again, and skips. */
export const waitAndSkip: Mode = async (lock, { wait, signal, logger, waiting }) => {
  const first = await lock.acquire(0, signal, wait);
  if (first) return { outcome: "held", lock: first, note: "First past the post - executing the command." };
  logger.log("info", "waiting", "Someone else holds the lock - waiting for them; this run will be skipped.");
  const deadline = new Deadline(wait);
  if (wait > 0) await waiting?.();
  const second = await lock.acquire(deadline.remaining, signal);
  return second ? { outcome: "skipped", lock: second, reason: "They are done" } : { outcome: "busy" };
};

/** Looks before it waits, so that it can be told that it waits. */
async function acquireTelling(
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
