import type { RunningCommand } from "./child/spawn.ts";
import { terminate } from "./child/terminate.ts";

/**
 * How long a command has between SIGTERM and SIGKILL when its lock is lost, in milliseconds: enough to clean up, and not
 * much more, since another node may be starting the same command.
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
 * Watches a command until it has been reaped, and stops it when its lock is lost. Whichever comes first decides.
 *
 * @param lost Fires when the lock is no longer held.
 * @param onLost Called when that happens while the command runs, before it is stopped.
 */
export async function supervise(
  command: RunningCommand,
  lost: AbortSignal,
  onLost: (reason: Error) => void,
): Promise<Supervised> {
  const lostWhileRunning = new Promise<Error>((resolve) => {
    if (lost.aborted) resolve(lost.reason);
    lost.addEventListener("abort", () => resolve(lost.reason), { once: true });
  });
  const first = await Promise.race([command.ended, lostWhileRunning]);
  if (typeof first === "number") return { exitCode: first };
  onLost(first);
  await terminate(command, GRACE);
  return { exitCode: await command.ended, stoppedBy: first };
}
