/** What to do and to say when what is in the shell's place is no shell; loaded only then. */

import { CommandStartError } from "../errors.ts";
import { within } from "../waiting.ts";
import { shellFor } from "./start_shell.ts";
import type { WatchShell } from "./watch_shell.ts";

/** How long a shell that hears nothing may take to end, in milliseconds. */
const PATIENCE = 1000;

/** The error that keeps a command from being started beside it. */
export function cannotUse(timed: boolean, code: number): CommandStartError {
  const shell = shellFor(timed);
  return new CommandStartError(
    `Cannot use ${shell}, which is to end the command should sera be killed: it ${ended(code)}`,
    repair(shell),
  );
}

/** What to say when the command runs already. */
export function hasEnded(timed: boolean, code: number): string {
  const how = `${ended(code)}; ${repair(shellFor(timed))}`;
  return `The shell that is to end the command should sera be killed has ${how}, for the command would now outlive sera`;
}

function ended(code: number): string {
  return `ended by itself, with exit code ${code}`;
}

function repair(shell: string): string {
  return `repair ${shell}, or put a shell there`;
}

/** Waits until a shell that hears nothing has ended, or for a moment if it does not. */
export async function endsSoon(shell: WatchShell): Promise<void> {
  await within(PATIENCE, shell.ended);
}
