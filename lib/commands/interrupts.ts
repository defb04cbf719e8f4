import { InterruptedError } from "../errors.ts";
import type { Logger } from "../log/logger.ts";

/**
 * Does what a signal may end, before there is a command for it.
 *
 * @returns What that gives, or what sera exits with after the signal.
 */
export async function unlessInterrupted(logger: Logger, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    const { exitCode } = error;
    logger.exitsWith(exitCode);
    logger.log("info", "interrupted", `${error.message} - the command was not executed.`);
    return exitCode;
  }
}

/**
 * Does what the signal gives up.
 *
 * @throws The signal's reason once it has fired, for what was given up may fail with an error of its own.
 */
export async function interruptible<T>(interrupted: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    interrupted.throwIfAborted();
    throw error;
  }
}
