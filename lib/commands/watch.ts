import { LastWill } from "../child/last_will.ts";
import { SignalWitness } from "../child/signal_witness.ts";
import { SignalRelay } from "../child/signals.ts";
import { getsOwnSession } from "../child/spawn.ts";
import type { Logger } from "../log/logger.ts";

/** The parts of a {@linkcode Watch}; a test has others in their place. */
export interface WatchParts {
  readonly will: Pick<LastWill, keyof LastWill>;
  readonly witness: SignalWitness;
  readonly signals: SignalRelay;
}

/** What watches over one run from before the lock is asked for: over sera's own life, and over the signals that it gets. */
export class Watch implements WatchParts, AsyncDisposable {
  readonly will: LastWill;
  readonly witness: SignalWitness;
  readonly signals: SignalRelay;

  /**
   * @param lock The lock's name.
   * @param timed Whether the command will have to be gone in time should sera not move.
   * @throws {CommandStartError} When the shell beside the command cannot be started.
   */
  constructor(logger: Logger, lock: string, timed: boolean) {
    // The shell comes first: it is to see which signals are ignored, and those that are caught are not any more.
    this.will = new LastWill({ timed, inGroup: !getsOwnSession(), jsonAbout: logger.isJson ? lock : undefined });
    this.witness = new SignalWitness(() => this.will.testify());
    this.signals = new SignalRelay(this.witness);
    // The last line tells what sera exits with.
    if (logger.isJson && logger.tells("info")) this.signals.endByAll();
  }

  /** Ends the shell. Signals are caught until the process is gone, see {@linkcode SignalRelay}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.will.end();
  }
}
