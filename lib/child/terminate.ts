import { delayOrAbort } from "../deadline.ts";
import type { RunningCommand } from "./spawn.ts";

/**
 * Ends a command and, where it has a session of its own, its whole tree: SIGTERM, then SIGKILL for what is left.
 *
 * @param grace How long it may take after SIGTERM, in milliseconds.
 * @returns When the command has been reaped.
 */
export async function terminate(command: RunningCommand, grace: number): Promise<void> {
  command.signal("SIGTERM");
  // One that is stopped gets to its SIGTERM only when it goes on.
  if (Deno.build.os !== "windows") command.signal("SIGCONT");
  const ended = new AbortController();
  const reaped = command.ended.then(() => ended.abort());
  await delayOrAbort(grace, ended.signal);
  if (!ended.signal.aborted || command.ownSession) command.signal("SIGKILL");
  await reaped;
}
