import { Deadline } from "../../deadline.ts";
import type { Logger } from "../../log/logger.ts";
import type { Job } from "./job.ts";

/** How long sera waits before a person at the terminal is told, in milliseconds: most waits are over by then. */
const UNTOLD = 500;

/**
 * Tells a person at the terminal whom sera waits for, if that takes long, until the result is disposed of. What that needs
 * is loaded then.
 *
 * @param wait How long sera waits, in milliseconds.
 */
export function tellingOfWait(wait: number, job: Job): Disposable | undefined {
  return telling(wait, job.logger, async (deadline, over) => {
    const { showWait } = await import("./waiting_line.ts");
    await showWait(job, deadline, over);
  });
}

/**
 * Shows something to a person at the terminal, if what sera waits for takes long, until the result is disposed of. Nothing
 * that goes wrong with it delays the wait or ends it.
 *
 * @param wait How long sera waits, in milliseconds.
 * @param show Called if that takes long; gets a signal that fires when the wait is over.
 */
export function telling(
  wait: number,
  logger: Logger,
  show: (deadline: Deadline, over: AbortSignal) => Promise<void>,
): Disposable | undefined {
  if (wait === 0 || !logger.isInteractive) return undefined;
  const deadline = new Deadline(wait);
  const over = new AbortController();
  const timer = setTimeout(() => show(deadline, over.signal).catch(() => undefined), UNTOLD);
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      over.abort();
    },
  };
}
