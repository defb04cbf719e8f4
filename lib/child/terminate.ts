import { aborted, delayOrAbort, elapsed, firstOf, NEVER, settled } from "../waiting.ts";
import type { Survivor } from "./group.ts";
import type { RunningCommand } from "./spawn.ts";

/** How to end a command and its whole process group. */
export interface TerminateOptions {
  /** How long it may take after SIGTERM, in milliseconds. */
  readonly grace: number;
  /** Whether SIGTERM was already sent to all of them; many programs take a second one as "at once". */
  readonly told?: boolean;
  /** Ends the grace period at once. */
  readonly hurry?: AbortSignal | undefined;
  /** Fires when the lock is lost; from then on the wait for all but the command itself is limited. */
  readonly lost: AbortSignal;
  /** Called with the processes that cannot be ended: once while the lock is still held, and once when it is lost. */
  readonly onSurvivors: (survivors: Survivors) => void;
}

/** Processes that sera cannot end. */
export interface Survivors {
  /** Why: sera may not signal them, SIGKILL did not end them, or it is unknown whether they are only zombies. */
  readonly why: "forbidden" | "outlives KILL" | "unseen";
  /** Undefined when not known. */
  readonly processes: readonly Survivor[] | undefined;
}

/** The first and the longest pause between two checks of a group with kill(2), in milliseconds. */
const FIRST_PAUSE = 2;
const MAX_PAUSE = 250;

/** When to read /proc first, in milliseconds, since it costs a process; later after twice the time, up to this interval. */
const FIRST_LOOK = 100;
const MAX_LOOK_INTERVAL = 5000;

/** The longest time that a killed process takes to disappear, in milliseconds. */
const MAX_KILL_TIME = 1000;

/** How long after SIGKILL the processes left are taken for zombies if /proc cannot be read, in milliseconds. */
const MAX_UNSEEN_TIME = 10_000;

/** Whether there is a /proc; on other systems zombies do not stay. */
const CAN_LOOK = Deno.build.os === "linux";

/**
 * Ends a command and, if it has a session of its own, its whole tree: SIGTERM, then SIGKILL for what is left.
 *
 * Resolves when the command has been reaped and no process of its group is left. When the lock is lost, processes that
 * cannot be ended are left behind.
 */
export async function terminate(command: RunningCommand, ending: TerminateOptions): Promise<void> {
  const wait = new GroupWait(command, ending);
  if (!ending.told) command.signal("SIGTERM");
  // A stopped process handles SIGTERM only when it is continued.
  if (Deno.build.os !== "windows") command.signal("SIGCONT");
  if (await wait.isOverWithin(ending.grace)) return;
  command.signal("SIGKILL");
  await wait.untilOver();
}

/** Waits until no process of a command is left. */
class GroupWait {
  readonly #command: RunningCommand;
  readonly #ending: TerminateOptions;
  readonly #reaped: AbortSignal;
  #killed = false;
  /** In which states of the lock the survivors have been reported. */
  readonly #told = new Set<"kept" | "lost">();
  #sawOnlyZombies = false;

  constructor(command: RunningCommand, ending: TerminateOptions) {
    this.#command = command;
    this.#ending = ending;
    const reaped = new AbortController();
    this.#reaped = reaped.signal;
    // If the runtime cannot report the command's end, do not wait for it either.
    command.ended.then(() => reaped.abort(), () => reaped.abort());
  }

  /** Waits for the grace period, or until it is cut short. Returns whether no process is left. */
  async isOverWithin(grace: number): Promise<boolean> {
    const cut = new AbortController();
    const isLate = () => false;
    const isOver = await firstOf(
      // Repeating a failed check would not help.
      settled(this.#watch(cut.signal).catch(() => true)),
      aborted(this.#ending.hurry, isLate),
      elapsed(grace, isLate),
    );
    // Do not wait for a check in progress: SIGKILL must be in time.
    cut.abort();
    return isOver;
  }

  /** After SIGKILL: resolves when no process is left that has to be waited for. */
  async untilOver(): Promise<void> {
    this.#killed = true;
    await this.#watch(NEVER);
  }

  /** @returns Whether no process is left; false when the wait was cut short. */
  async #watch(cut: AbortSignal): Promise<boolean> {
    const { lost } = this.#ending;
    const began = performance.now();
    let pause = FIRST_PAUSE;
    let look = FIRST_LOOK;
    while (!this.#isOver()) {
      if (cut.aborted) return false;
      const age = performance.now() - began;
      if (age >= look || this.#hasToldOtherwise()) {
        if (await this.#look(age)) return true;
        look = this.#sawOnlyZombies ? 0 : nextLook(age);
      }
      await delayOrAbort(pause, ...[cut, lost, this.#reaped].filter(({ aborted }) => !aborted));
      pause = Math.min(1.5 * pause, MAX_PAUSE);
    }
    return true;
  }

  #isOver(): boolean {
    if (!this.#reaped.aborted) return false;
    return this.#killed && this.#told.has("lost") || !this.#command.ownSession ||
      this.#command.targetState() === "nobody";
  }

  /** Whether the last report was made while the lock was held, and now it is lost. */
  #hasToldOtherwise(): boolean {
    return this.#ending.lost.aborted && this.#told.has("kept") && !this.#told.has("lost");
  }

  /** Reads which processes are left, and reports those that cannot be ended. Returns whether only zombies are left. */
  async #look(age: number): Promise<boolean> {
    const processes = await this.#command.living();
    const state = this.#command.targetState();
    if (processes?.length === 0) {
      // A process forked while the list was being read is only in the next one.
      const twice = this.#sawOnlyZombies;
      this.#sawOnlyZombies = this.#reaped.aborted;
      return twice;
    }
    this.#sawOnlyZombies = false;
    const late = this.#killed && age >= MAX_KILL_TIME;
    if (state === "forbidden") this.#tell({ why: state, processes });
    else if (state === "reachable" && late && (processes || !CAN_LOOK)) {
      this.#tell({ why: "outlives KILL", processes });
    } else if (state === "reachable" && late && (age >= MAX_UNSEEN_TIME || this.#ending.lost.aborted)) {
      this.#tell({ why: "unseen", processes });
      return this.#reaped.aborted;
    }
    return false;
  }

  #tell(survivors: Survivors): void {
    const kept = this.#ending.lost.aborted ? "lost" : "kept";
    if (this.#told.has(kept)) return;
    this.#told.add(kept);
    this.#ending.onSurvivors(survivors);
  }
}

/** When to read /proc next, in milliseconds since the wait began. */
function nextLook(age: number): number {
  const next = age + Math.min(age, MAX_LOOK_INTERVAL);
  return age < MAX_KILL_TIME ? Math.min(next, MAX_KILL_TIME) : next;
}
