/** Errors and messages for a helper shell that does not work; loaded only when needed. */

import { CommandStartError } from "../errors.ts";
import { within } from "../waiting.ts";
import { shellFor } from "./start_shell.ts";
import type { ShellProcess } from "./shell_process.ts";

/** How long to wait for a shell that reads nothing to end, in milliseconds. */
const PATIENCE = 1000;

/** The error for a shell that ended before the command was started. */
export function unusableShell(timed: boolean, code: number): CommandStartError {
  const shell = shellFor(timed);
  return new CommandStartError(
    `Cannot use ${shell}, the helper shell that kills the command if sera is killed: it ${ended(code)}`,
    repair(shell),
  );
}

/** The message for a shell that ended while the command is running. */
export function shellEnded(timed: boolean, code: number): string {
  const how = `${ended(code)}; ${repair(shellFor(timed))}`;
  return `The helper shell that kills the command if sera is killed has ${how}: until then the command would outlive sera`;
}

function ended(code: number): string {
  return `ended by itself, with exit code ${code}`;
}

function repair(shell: string): string {
  return `repair ${shell}, or put a shell there`;
}

/** Waits a moment for a shell that reads nothing to end. */
export async function waitForEnd(shell: ShellProcess): Promise<void> {
  await within(PATIENCE, shell.ended);
}
