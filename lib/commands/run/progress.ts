/**
 * How far a run has come. It decides what an unexpected error leads to: once the command was started, no exit code may say
 * that it did not run; once it has ended, none may replace its own.
 */

import { OutputError } from "../../errors.ts";
import { afterTheEnd, failedWhileRunning, type Verdict, verdictOf } from "../../log/verdict.ts";

/**
 * Tracks one run from its start to the command's end. Also catches errors that nothing else has caught, for which Deno
 * would end sera with a stack trace and exit code 1.
 */
export class Progress implements Disposable {
  readonly #failed = new AbortController();
  readonly #givenUp = Promise.withResolvers<number>();
  readonly #tell: (verdict: Verdict) => void;
  readonly #errorExitCode: number | undefined;
  #hasGivenUp = false;
  #running = false;
  #exitCode: number | undefined;

  /**
   * @param tell Called with the verdict on an uncaught error; must not throw.
   * @param errorExitCode The exit code of every error before the command has ended; if undefined, that of the error.
   */
  constructor(tell: (verdict: Verdict) => void, errorExitCode?: number) {
    this.#tell = tell;
    this.#errorExitCode = errorExitCode;
    globalThis.addEventListener("error", this.#uncaught);
    globalThis.addEventListener("unhandledrejection", this.#uncaught);
  }

  /** Fires when sera itself fails while the command runs; the reason is a `SeraFailedError`. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /** To be called right before the command is started: it must not start when sera is about to exit as if it had not. */
  throwIfGivenUp(): void {
    if (this.#hasGivenUp) throw new Error("sera gave up before the command was started");
  }

  /** To be called when the command has been started. */
  started(): void {
    this.#running = true;
  }

  /** To be called when the command has ended. Nothing changes sera's exit code after that. */
  ended(exitCode: number): void {
    this.#running = false;
    this.#exitCode = exitCode;
  }

  /** The verdict on an error that ends the run at this point. */
  verdictOf(error: unknown): Verdict {
    if (this.#exitCode !== undefined) {
      // A hold has no command. If the lock was lost, that is the news.
      if (error instanceof OutputError) return { message: error.message, exitCode: this.#exitCode || error.exitCode };
      return { message: afterTheEnd(error), exitCode: this.#exitCode };
    }
    const { message, exitCode } = this.#running ? failedWhileRunning(error) : verdictOf(error);
    return { message, exitCode: this.#errorExitCode ?? exitCode };
  }

  /**
   * Waits for the run, or for an uncaught error before its command is started.
   *
   * @returns The exit code.
   */
  async of(run: Promise<number>): Promise<number> {
    return await Promise.race([run, this.#givenUp.promise]);
  }

  /** Stops catching errors; only for tests, where the process goes on. */
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
