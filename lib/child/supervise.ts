import { LockLostError } from "../errors.ts";
import { aborted, firstOf, listening, settled } from "../waiting.ts";
import type { RunningCommand } from "./spawn.ts";
import { type Survivors, terminate } from "./terminate.ts";

/** How a command ended. */
export interface CommandEnd {
  /** Its exit code, or 128+n. */
  readonly exitCode: number;
  /** Why sera stopped it; undefined when it ended by itself. */
  readonly stoppedBy?: Error | undefined;
}

/** When and how to stop a command. */
export interface Supervision {
  /** Fires when the lock is no longer held; its reason is a {@linkcode LockLostError}. */
  readonly lost: AbortSignal;
  /** Whether that stops the command, or only warns. */
  readonly onLost: "terminate" | "warn";
  /** Fire when the command must stop for other reasons; each one's reason is an Error. */
  readonly stops: readonly AbortSignal[];
  /** The grace period in milliseconds; a lost lock may leave less. */
  readonly grace: number;
  /** Called with the reason when the lock is lost or one of `stops` fires while the command runs, before it is stopped. */
  readonly onCause: (reason: Error) => Promise<void> | void;
  /** Called with the processes of its group that sera cannot end. */
  readonly onSurvivors: (survivors: Survivors) => void;
}

/**
 * Waits until a command has been reaped, and stops it when it must not go on. The first cause wins.
 *
 * If sera stopped the command, or it ended after a signal from sera, its whole process group is ended too. A command that
 * ends by itself may leave processes of its group running.
 */
export async function supervise(command: RunningCommand, supervision: Supervision): Promise<CommandEnd> {
  const { lost, onLost, stops, grace, onCause, onSurvivors } = supervision;
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
    if (command.ownSession && command.wasToldToEnd() && command.targetState() !== "nobody") {
      await terminate(command, { grace, hurry, lost, onSurvivors, told: command.wasSent("SIGTERM") });
    }
    return first;
  }
  const since = performance.now();
  await onCause(first);
  if (first instanceof LockLostError) {
    const left = Math.max(0, first.within - (performance.now() - since));
    await terminate(command, { grace: left, lost, onSurvivors });
  } else await terminate(command, { grace, hurry, lost, onSurvivors });
  return { ...await ended, stoppedBy: first };
}
