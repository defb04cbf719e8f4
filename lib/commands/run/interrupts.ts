import { InterruptedError } from "../../errors.ts";
import type { Logger } from "../../log/logger.ts";

/**
 * Does work that a signal may interrupt until the command is started.
 *
 * @param consequence What the signal has prevented, for messages.
 * @returns What the work gives, such as an exit code, or the exit code 128+n after signal n.
 */
export async function unlessInterrupted<T>(
  logger: Logger,
  work: () => Promise<T>,
  consequence = "the command was not executed",
): Promise<T | number> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    const { exitCode } = error;
    logger.exitsWith(exitCode);
    logger.log("info", "interrupted", `${error.message} - ${consequence}.`);
    return exitCode;
  }
}

/**
 * Does work that is given up when `interrupted` fires.
 *
 * @throws Its reason, once it has fired: work that is given up may fail with an error of its own.
 */
export async function interruptible<T>(interrupted: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    interrupted.throwIfAborted();
    throw error;
  }
}
