import { HelperShell } from "../../child/helper_shell.ts";
import { SignalInfo } from "../../child/signal_info.ts";
import { SignalRelay } from "../../child/signals.ts";
import { getsOwnSession } from "../../child/spawn.ts";
import type { Logger } from "../../log/logger.ts";

/** The parts of a {@linkcode Watch}, which a test can replace. */
export interface WatchParts {
  readonly helperShell: Pick<HelperShell, keyof HelperShell>;
  readonly signalInfo: SignalInfo;
  readonly signals: SignalRelay;
}

/** Set up before the lock is asked for: the helper shell that kills the command if sera dies, and the signal handlers. */
export class Watch implements WatchParts, AsyncDisposable {
  readonly helperShell: HelperShell;
  readonly signalInfo: SignalInfo;
  readonly signals: SignalRelay;

  /**
   * @param lock The lock's name.
   * @param timed Whether the shell must kill the command in time if sera is stopped or stuck.
   * @throws {CommandStartError} When the helper shell cannot be started.
   */
  constructor(logger: Logger, lock: string, timed: boolean) {
    // The shell first: it must see which signals are ignored, and catching one ends that.
    this.helperShell = new HelperShell({
      timed,
      inGroup: !getsOwnSession(),
      jsonAbout: logger.isJson ? lock : undefined,
    });
    this.signalInfo = new SignalInfo(() => this.helperShell.status());
    this.signals = new SignalRelay(this.signalInfo);
    // So that the last line of JSON can contain sera's exit code.
    if (logger.isJson && logger.isEnabled("info")) this.signals.endOnAnySignal();
  }

  /** Ends the shell. Signals are caught until the process ends, see {@linkcode SignalRelay}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.helperShell.end();
  }
}
