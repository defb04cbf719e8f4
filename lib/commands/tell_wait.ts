import { Deadline } from "../deadline.ts";
import type { Job } from "./job.ts";

/** How long sera waits before a person at the terminal is told, in milliseconds: most waits are over by then. */
const UNTOLD = 500;

/**
 * Tells a person at the terminal whom sera waits for, if that takes long, until the result is disposed of. What that needs
 * is loaded then, and none of it delays the wait or can end it.
 *
 * @param wait How long sera waits, in milliseconds.
 */
export function tellingOfWait(wait: number, job: Job): Disposable | undefined {
  if (wait === 0 || !job.logger.tellsPerson) return undefined;
  const deadline = new Deadline(wait);
  const over = new AbortController();
  const timer = setTimeout(() => tell().catch(() => undefined), UNTOLD);
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      over.abort();
    },
  };

  async function tell(): Promise<void> {
    const { showWait } = await import("./waiting_line.ts");
    await showWait(job, deadline, over.signal);
  }
}
