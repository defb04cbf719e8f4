import { HelperShell } from "../child/helper_shell.ts";
import type { ShellOptions } from "../child/shell_process.ts";
import { shellFor } from "../child/start_shell.ts";
import { CommandStartError } from "../errors.ts";

/**
 * Starts the helper shell that kills the command if sera is killed, and asks it for an answer.
 *
 * @returns Why a run could not start its command; undefined if the shell works, or if there is no shell.
 */
export async function shellTrouble(options: ShellOptions): Promise<CommandStartError | undefined> {
  try {
    await using helperShell = new HelperShell(options);
    await helperShell.ready;
    await helperShell.throwIfBroken();
    if (!helperShell.isWatching || await helperShell.status()) return undefined;
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
