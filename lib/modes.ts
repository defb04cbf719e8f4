import type { Backend, HeldLock } from "./lock/lock.ts";
import type { Logger } from "./log/logger.ts";

/** What came of trying to get the lock. */
export type Turn =
  /** It is ours: run the command. */
  | { readonly outcome: "held"; readonly lock: HeldLock }
  /** Somebody else held it for the whole wait. */
  | { readonly outcome: "busy" }
  /** Somebody else ran the command meanwhile. */
  | { readonly outcome: "skipped" };

/** One way to run: decides whether it is our turn. The wait is in milliseconds, as {@linkcode Backend.acquire} has it. */
export type Mode = (backend: Backend, wait: number, signal: AbortSignal, logger: Logger) => Promise<Turn>;

/** Everyone runs the command, one at a time. With a wait of 0 that is "execute once": whoever comes late is busy. */
export const everyoneExecutes: Mode = async (backend, wait, signal) => {
  const lock = await backend.acquire(wait, signal);
  return lock ? { outcome: "held", lock } : { outcome: "busy" };
};

/** The first one runs the command; whoever finds the lock taken waits until it is free again, and skips. */
export const waitAndSkip: Mode = async (backend, wait, signal, logger) => {
  const first = await backend.acquire(0, signal);
  if (first) {
    logger.log("info", "note", "First past the post - executing the command.");
    return { outcome: "held", lock: first };
  }
  logger.log("info", "waiting", "Someone else has the lock - syncing with them, but skipping execution.");
  const second = await backend.acquire(wait, signal);
  if (!second) return { outcome: "busy" };
  await second.release();
  return { outcome: "skipped" };
};
