import type { RunningCommand, SignalResult } from "../../lib/child/spawn.ts";
import type { Survivor, TargetState } from "../../lib/child/group.ts";

/** A command that runs nowhere. It ends, and loses its group's members, when the test says so. */
export class FakeCommand implements RunningCommand {
  readonly target: number = -4711;
  readonly ownSession: boolean;
  readonly #end = Promise.withResolvers<number>();
  readonly ended: Promise<number> = this.#end.promise;
  /** The signals that it got, in their order. */
  readonly got: Deno.Signal[] = [];
  /** Whether a process of its group is left. */
  group: TargetState = "reachable";
  /** Who that is; zombies are not among them. */
  members: readonly Survivor[] | undefined = [{ pid: 4711, uid: 0 }];
  /** The effect of a signal. */
  readonly on: Partial<Record<Deno.Signal, () => void>> = {};
  #hasEnded = false;

  constructor(ownSession = true) {
    this.ownSession = ownSession;
  }

  /** Its first process ends and is reaped. */
  end(exitCode: number, group: TargetState = "nobody"): void {
    this.group = group;
    this.#hasEnded = true;
    this.#end.resolve(exitCode);
  }

  /** Its exit can never be determined. */
  fail(error: Error): void {
    this.group = "nobody";
    this.#end.reject(error);
  }

  signal(signal: Deno.Signal): SignalResult {
    if (this.#hasEnded && this.group === "nobody") throw new Error(`${signal} may have hit somebody else`);
    if (this.group !== "reachable") return this.group;
    this.got.push(signal);
    this.on[signal]?.();
    return "delivered";
  }

  wasSent(signal: Deno.Signal): boolean {
    return this.got.includes(signal);
  }

  wasToldToEnd(): boolean {
    return this.got.some((signal) => signal !== "SIGCONT");
  }

  targetState(): TargetState {
    return this.group;
  }

  living(): Promise<readonly Survivor[] | undefined> {
    return Promise.resolve(this.members);
  }
}
