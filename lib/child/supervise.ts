import { LockLostError } from "../errors.ts";
import { aborted, firstOf, listening, settled } from "../waiting.ts";
import type { RunningCommand } from "./spawn.ts";
import { type Left, terminate } from "./terminate.ts";

/** How a command ended. */
export interface CommandEnd {
  /** Its exit code, or 128+n. */
  readonly exitCode: number;
  /** Why sera stopped it; undefined when it ended by itself. */
  readonly stoppedBy?: Error | undefined;
}

/** What a command is watched for. */
export interface Supervision {
  /** Fires when the lock is no longer held; its reason is a {@linkcode LockLostError}. */
  readonly lost: AbortSignal;
  /** Whether the command goes on then. */
  readonly onLost: "terminate" | "warn";
  /** Each fires when the command must not go on for another reason, an Error. */
  readonly stops: readonly AbortSignal[];
  /** How long it has between SIGTERM and SIGKILL, in milliseconds, when it is stopped for another reason than its lock. */
  readonly grace: number;
  /** Called with the reason when the lock is lost or one of the others fires while the command runs, before it is stopped. */
  readonly onCause: (reason: Error) => Promise<void> | void;
  /** Called with those of its process group who cannot be ended. */
  readonly onLeft: (left: Left) => void;
}

/**
 * Watches a command until it has been reaped, and stops it when it must not go on. Whichever comes first decides.
 *
 * A command that has been stopped, or has ended after a signal which it got from sera, leaves nobody of its process group
 * behind; to end by itself and leave somebody there is its own choice.
 */
export async function supervise(command: RunningCommand, supervision: Supervision): Promise<CommandEnd> {
  const { lost, onLost, stops, grace, onCause, onLeft } = supervision;
  let hasEnded = false;
  const ended = command.ended.then((exitCode) => {
    hasEnded = true;
    return { exitCode };
  });
  const hurry = onLost === "terminate" ? lost : undefined;
  using _ = hurry ? undefined : listening(lost, () => {
    if (!hasEnded) onCause(lost.reason);
  });
  const first = await firstOf<CommandEnd | Error>(
    settled(ended),
    ...[...stops, hurry].map((stop) => aborted(stop, ({ reason }): Error => reason)),
  );
  if (!(first instanceof Error)) {
    if (command.ownSession && command.wasToldToEnd() && command.presence() !== "nobody") {
      await terminate(command, { grace, hurry, lost, onLeft, told: command.wasSent("SIGTERM") });
    }
    return first;
  }
  const since = performance.now();
  await onCause(first);
  if (first instanceof LockLostError) {
    const left = Math.max(0, first.within - (performance.now() - since));
    await terminate(command, { grace: left, lost, onLeft });
  } else await terminate(command, { grace, hurry, lost, onLeft });
  return { ...await ended, stoppedBy: first };
}
