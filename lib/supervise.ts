import type { RunningCommand } from "./child/spawn.ts";
import { terminate } from "./child/terminate.ts";
import { LockLostError } from "./errors.ts";

/** How a supervised command ended. */
export interface Supervised {
  /** Its exit code, or 128+n. */
  readonly exitCode: number;
  /** Why sera stopped it; undefined when it ended by itself. */
  readonly stoppedBy?: Error;
}

/** What a command is watched for. */
export interface Supervision {
  /** Fires when the lock is no longer held; its reason is a {@linkcode LockLostError}. */
  readonly lost: AbortSignal;
  /** Whether the command goes on then. */
  readonly onLost: "terminate" | "warn";
  /** Fires when the command must not go on for another reason, an Error. */
  readonly stop?: AbortSignal | undefined;
  /** How long it has between SIGTERM and SIGKILL, in milliseconds, when it is stopped for another reason than its lock. */
  readonly grace: number;
  /** Called with the reason when one of the two fires while the command runs, before it is stopped. */
  readonly onCause: (reason: Error) => Promise<void> | void;
}

/** Watches a command until it has been reaped, and stops it when it must not go on. Whichever comes first decides. */
export async function supervise(command: RunningCommand, supervision: Supervision): Promise<Supervised> {
  const { lost, onLost, stop, grace, onCause } = supervision;
  let ended = false;
  const status = command.ended.then((exitCode) => {
    ended = true;
    return exitCode;
  });
  const causes = [stop, onLost === "terminate" ? lost : undefined].filter((cause) => cause !== undefined);
  if (onLost === "warn") {
    lost.addEventListener("abort", () => {
      if (!ended) onCause(lost.reason);
    }, { once: true });
  }
  const toldToStop = new Promise<Error>((resolve) => {
    for (const cause of causes) {
      if (cause.aborted) resolve(cause.reason);
      cause.addEventListener("abort", () => resolve(cause.reason), { once: true });
    }
  });
  const first = await Promise.race([status, toldToStop]);
  if (typeof first === "number") return { exitCode: first };
  const since = performance.now();
  await onCause(first);
  if (first instanceof LockLostError) {
    await terminate(command, Math.max(0, first.within - (performance.now() - since)));
  } else await terminate(command, grace, onLost === "terminate" ? lost : undefined);
  return { exitCode: await status, stoppedBy: first };
}
