import { Watchdog } from "../child/watchdog.ts";
import type { WatchdogOptions } from "../child/watchdog_shell.ts";
import { shellFor } from "../child/start_shell.ts";
import { CommandStartError } from "../errors.ts";

/**
 * Starts the helper shell that kills the command if sera is killed, and asks it for an answer.
 *
 * @returns Why a run could not start its command; undefined if the shell works, or if there is no shell.
 */
export async function shellTrouble(options: WatchdogOptions): Promise<CommandStartError | undefined> {
  try {
    await using watchdog = new Watchdog(options);
    await watchdog.ready;
    await watchdog.throwIfBroken();
    if (!watchdog.isWatching || await watchdog.status()) return undefined;
  } catch (error) {
    if (error instanceof CommandStartError) return error;
    throw error;
  }
  const shell = shellFor(options.timed);
  return new CommandStartError(
    `Cannot use ${shell}, the helper shell that kills the command if sera is killed: it does not work as a shell`,
    `repair ${shell}, or put a shell there`,
  );
}
