import { LastWill } from "../child/last_will.ts";
import type { WatchOptions } from "../child/watch_shell.ts";
import { shellFor } from "../child/start_shell.ts";
import { CommandStartError } from "../errors.ts";

/**
 * Starts the shell that waits beside a command, and has it answer.
 *
 * @returns Why a command could not be started beside it; undefined when all is well, or where there is no shell.
 */
export async function shellTrouble(options: WatchOptions): Promise<CommandStartError | undefined> {
  try {
    await using will = new LastWill(options);
    await will.ready;
    await will.throwIfBroken();
    if (!will.isKept || await will.testify()) return undefined;
  } catch (error) {
    if (error instanceof CommandStartError) return error;
    throw error;
  }
  const shell = shellFor(options.timed);
  return new CommandStartError(
    `Cannot use ${shell}, which is to end the command should sera be killed: it does not do what a shell does`,
    `repair ${shell}, or put a shell there`,
  );
}
