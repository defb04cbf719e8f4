import type { RunningCommand } from "./child/spawn.ts";
import { terminate } from "./child/terminate.ts";

/**
 * How long a command has between SIGTERM and SIGKILL, in milliseconds: enough to clean up, and not much more, since when
 * its lock is lost another node may be starting the same command.
 */
const GRACE = 10_000;

/** How a supervised command ended. */
export interface Supervised {
  /** Its exit code, or 128+n. */
  readonly exitCode: number;
  /** Why sera stopped it; undefined when it ended by itself. */
  readonly stoppedBy?: Error;
}

/**
 * Watches a command until it has been reaped, and stops it when told to. Whichever comes first decides.
 *
 * @param stop Fires when the command must not go on; its reason is an Error.
 * @param onStop Called when that happens while the command runs, before it is stopped.
 */
export async function supervise(
  command: RunningCommand,
  stop: AbortSignal,
  onStop: (reason: Error) => void,
): Promise<Supervised> {
  const toldToStop = new Promise<Error>((resolve) => {
    if (stop.aborted) resolve(stop.reason);
    stop.addEventListener("abort", () => resolve(stop.reason), { once: true });
  });
  const first = await Promise.race([command.ended, toldToStop]);
  if (typeof first === "number") return { exitCode: first };
  onStop(first);
  await terminate(command, GRACE);
  return { exitCode: await command.ended, stoppedBy: first };
}
