/**
 * How far a run has come. What an error that nobody expected ends in depends on it: no exit code may say that the command
 * did not run once it was started, and none may take the place of its own once it has ended.
 */

import { afterTheEnd, failedWhileRunning, type Verdict, verdictOf } from "../log/verdict.ts";

/**
 * One run's way from its start to the command's end. While it is there, it hears of errors that nobody has caught, for
 * which the runtime would end sera with a stack trace and 1.
 */
export class Progress implements Disposable {
  readonly #failed = new AbortController();
  readonly #givenUp = Promise.withResolvers<number>();
  readonly #tell: (verdict: Verdict) => void;
  readonly #ownCode: number | undefined;
  #hasGivenUp = false;
  #running = false;
  #exitCode: number | undefined;

  /**
   * @param tell Called with an error that nobody has caught; must not throw.
   * @param ownCode The status for whatever ends the run before the command has ended; undefined is the error's own.
   */
  constructor(tell: (verdict: Verdict) => void, ownCode?: number) {
    this.#tell = tell;
    this.#ownCode = ownCode;
    globalThis.addEventListener("error", this.#uncaught);
    globalThis.addEventListener("unhandledrejection", this.#uncaught);
  }

  /** Fires when sera itself fails while the command runs; the reason is a `SeraFailedError`. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /** To be called right before the command is started: when sera is about to exit, as if it had not been, it must not. */
  throwIfGivenUp(): void {
    if (this.#hasGivenUp) throw new Error("sera has given up before the command was started");
  }

  /** The command has been started. */
  started(): void {
    this.#running = true;
  }

  /** The command has ended, and nothing changes sera's exit code any more. */
  ended(exitCode: number): void {
    this.#running = false;
    this.#exitCode = exitCode;
  }

  /** What to say of an error that ended the run at this point, and the status to exit with. */
  verdictOf(error: unknown): Verdict {
    if (this.#exitCode !== undefined) return { message: afterTheEnd(error), exitCode: this.#exitCode };
    const { message, exitCode } = this.#running ? failedWhileRunning(error) : verdictOf(error);
    return { message, exitCode: this.#ownCode ?? exitCode };
  }

  /**
   * Awaits the run, unless an error that nobody has caught comes before its command is started.
   *
   * @returns The exit code.
   */
  async of(run: Promise<number>): Promise<number> {
    return await Promise.race([run, this.#givenUp.promise]);
  }

  /** Hears no more: for tests, where the process goes on. */
  [Symbol.dispose](): void {
    globalThis.removeEventListener("error", this.#uncaught);
    globalThis.removeEventListener("unhandledrejection", this.#uncaught);
  }

  readonly #uncaught = (event: ErrorEvent | PromiseRejectionEvent): void => {
    event.preventDefault();
    const error = "reason" in event ? event.reason : event.error;
    if (this.#running && !this.failed.aborted) return this.#failed.abort(failedWhileRunning(error));
    const verdict = this.verdictOf(error);
    this.#tell(verdict);
    if (this.#running || this.#exitCode !== undefined) return;
    this.#hasGivenUp = true;
    this.#givenUp.resolve(verdict.exitCode);
  };
}
