import type { Logger } from "./logger.ts";

/** Tells of an event while a command runs and after it: what cannot be said must not decide about the command. */
export function tryLog(logger: Logger, ...event: Parameters<Logger["log"]>): void {
  try {
    logger.log(...event);
  } catch {
    // There is nobody else to tell.
  }
}
