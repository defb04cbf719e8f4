import { LastWill } from "../../child/last_will.ts";
import { SignalWitness } from "../../child/signal_witness.ts";
import { SignalRelay } from "../../child/signals.ts";
import { getsOwnSession } from "../../child/spawn.ts";
import type { Logger } from "../../log/logger.ts";

/** The parts of a {@linkcode Watch}, which a test can replace. */
export interface WatchParts {
  readonly will: Pick<LastWill, keyof LastWill>;
  readonly witness: SignalWitness;
  readonly signals: SignalRelay;
}

/** Set up before the lock is asked for: the helper shell that kills the command if sera dies, and the signal handlers. */
export class Watch implements WatchParts, AsyncDisposable {
  readonly will: LastWill;
  readonly witness: SignalWitness;
  readonly signals: SignalRelay;

  /**
   * @param lock The lock's name.
   * @param timed Whether the shell must kill the command in time if sera is stopped or stuck.
   * @throws {CommandStartError} When the helper shell cannot be started.
   */
  constructor(logger: Logger, lock: string, timed: boolean) {
    // The shell first: it must see which signals are ignored, and catching one ends that.
    this.will = new LastWill({ timed, inGroup: !getsOwnSession(), jsonAbout: logger.isJson ? lock : undefined });
    this.witness = new SignalWitness(() => this.will.testify());
    this.signals = new SignalRelay(this.witness);
    // So that the last line of JSON can contain sera's exit code.
    if (logger.isJson && logger.isEnabled("info")) this.signals.endByAll();
  }

  /** Ends the shell. Signals are caught until the process ends, see {@linkcode SignalRelay}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.will.end();
  }
}
