import type { Logger } from "./logger.ts";

/** Logs an event while a command runs or after it. Ignores errors, since a log that fails must not affect the command. */
export function tryLog(logger: Logger, ...event: Parameters<Logger["log"]>): void {
  try {
    logger.log(...event);
  } catch {
    // There is no other place to report this to.
  }
}
