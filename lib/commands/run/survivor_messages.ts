import type { Survivor } from "../../child/group.ts";
import type { Survivors } from "../../child/terminate.ts";

/** The maximum number of processes to name in a line. */
const MAX_NAMED = 5;

/** Messages about processes that sera cannot end. */
export class SurvivorMessages {
  readonly #target: number;

  /** @param target The command's target for kill(2). */
  constructor(target: number) {
    this.#target = target;
  }

  /** Says who goes on though it is to end, and what happens to the lock. */
  goesOn({ why, processes }: Survivors, lockIsLost: boolean): string {
    const who = this.#name(processes);
    const lock = lockIsLost ? "it goes on without the lock" : "the lock is kept until it has ended";
    if (why === "unseen") {
      return `Cannot tell whether ${who} has ended after SIGKILL: /proc cannot be read; the lock is not kept for it`;
    }
    if (why === "outlives KILL") return `${capital(who)} survived SIGKILL; ${lock}: see what it waits for`;
    return `Cannot end ${who}: ${maySignalNot()}; ${lock}: end it as its user or as root`;
  }

  /** Says that sera could not pass a signal on. */
  notPassedOn(signal: Deno.Signal, processes: readonly Survivor[] | undefined): string {
    return `Cannot pass ${signal} on to ${this.#name(processes)}: ${maySignalNot()}; ` +
      "the command goes on: send it as its user or as root";
  }

  #name(processes: readonly Survivor[] | undefined): string {
    if (!processes || processes.length === 0) {
      return this.#target < 0 ? `process group ${-this.#target}` : `process ${this.#target}`;
    }
    const named = processes.slice(0, MAX_NAMED).map(({ pid, uid }) => `${pid} (uid ${uid})`);
    const more = processes.length > MAX_NAMED ? ` and ${processes.length - MAX_NAMED} more` : "";
    return `process ${named.join(", ")}${more}`;
  }
}

function maySignalNot(): string {
  return `sera (uid ${Deno.uid()}) may not signal it`;
}

function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}
