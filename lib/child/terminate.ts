import { delayOrAbort } from "../deadline.ts";
import type { RunningCommand } from "./spawn.ts";

/**
 * Ends a command and, where it has a session of its own, its whole tree: SIGTERM, then SIGKILL for what is left.
 *
 * @param grace How long it may take after SIGTERM, in milliseconds.
 * @param hurry Ends the grace period at once.
 * @returns When the command has been reaped.
 */
export async function terminate(command: RunningCommand, grace: number, hurry?: AbortSignal): Promise<void> {
  command.signal("SIGTERM");
  // One that is stopped gets to its SIGTERM only when it goes on.
  if (Deno.build.os !== "windows") command.signal("SIGCONT");
  const over = new AbortController();
  let reaped = false;
  const ended = command.ended.then(() => {
    reaped = true;
    over.abort();
  });
  hurry?.addEventListener("abort", () => over.abort(), { once: true });
  if (!hurry?.aborted) await delayOrAbort(grace, over.signal);
  if (!reaped || command.ownSession) command.signal("SIGKILL");
  await ended;
}
