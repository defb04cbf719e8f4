import { Deadline } from "../../deadline.ts";
import type { Logger } from "../../log/logger.ts";
import type { Job } from "./job.ts";

/** How long a wait must last before a person at the terminal is shown it, in milliseconds: most are over by then. */
const SHOW_AFTER = 500;

/**
 * Shows a person at the terminal whom sera waits for, if that takes long, until the result is disposed of. The code for that
 * is loaded only then.
 *
 * @param wait How long sera waits, in milliseconds.
 */
export function showWaitIfLong(wait: number, job: Job): Disposable | undefined {
  return showIfLong(wait, job.logger, async (deadline, over) => {
    const { showWait } = await import("./waiting_line.ts");
    await showWait(job, deadline, over);
  });
}

/**
 * Shows something to a person at the terminal, if a wait takes long, until the result is disposed of. Failures to show it do
 * not affect the wait.
 *
 * @param wait How long sera waits, in milliseconds.
 * @param show Called if that takes long; gets a signal that fires when the wait is over.
 */
export function showIfLong(
  wait: number,
  logger: Logger,
  show: (deadline: Deadline, over: AbortSignal) => Promise<void>,
): Disposable | undefined {
  if (wait === 0 || !logger.isInteractive) return undefined;
  const deadline = new Deadline(wait);
  const over = new AbortController();
  const timer = setTimeout(() => show(deadline, over.signal).catch(() => undefined), SHOW_AFTER);
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      over.abort();
    },
  };
}
