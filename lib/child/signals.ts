import { InterruptedError } from "../errors.ts";
import { caughtAfter, caughtBefore, ENDING, ENDING_NUMBERS, numberOf, STOPPING } from "./signal_lists.ts";
import type { SignalInfo } from "./signal_info.ts";

/** What sera passes signals on to. */
export interface SignalTarget {
  /** Whether it has a session of its own, so that the terminal's keys do not reach it. */
  readonly ownSession: boolean;
  /** Sends a signal to it. */
  signal(signal: Deno.Signal): void;
}

/**
 * How long after the command's start SIGXFSZ is not passed on, in milliseconds: the kernel sends it for a write that
 * exceeds `ulimit -f`, and that may have been sera's own write just before.
 */
const OWN_WRITES = 50;

/**
 * Catches the signals sent to sera. Until the command runs, they end the wait; then they are passed on to the command. A
 * signal that was ignored when sera was started stays ignored, and is not passed on.
 *
 * It listens until the process ends: a signal after the command's end must not end sera, which still has to return the
 * command's exit code.
 */
export class SignalRelay implements Disposable {
  readonly #ended = new AbortController();
  readonly #witness: SignalInfo;
  readonly #listeners = new Map<Deno.Signal, () => void>();
  #target: SignalTarget | undefined;
  #passedOn: number | undefined;
  /** From when on SIGXFSZ is passed on, on the clock of performance.now(). */
  #passOnFileSizeFrom = Infinity;
  #endsOnAny = false;
  /** Settles when all signals that came before have been handled. */
  #idle: Promise<void> = Promise.resolve();

  constructor(witness: SignalInfo) {
    this.#witness = witness;
    for (const signal of ENDING) this.#listen(signal);
    // By default SIGXFSZ would end sera when it writes its first line.
    if (Deno.build.os !== "windows") this.#listen("SIGXFSZ");
  }

  /** Fires when a signal came while there was no command; the reason is an {@linkcode InterruptedError}. */
  get interrupted(): AbortSignal {
    return this.#ended.signal;
  }

  /** The number of the first ending signal that was passed on to the command. */
  get passedOn(): number | undefined {
    return this.#passedOn;
  }

  /** From now on, every catchable signal that would end sera ends the wait instead, so that sera can log its exit code. */
  endOnAnySignal(): void {
    this.#endsOnAny = true;
    for (const signal of caughtBefore(false)) if (numberOf(signal) !== undefined) this.#listen(signal);
  }

  /**
   * Call this just before a command is started: from now on catches every signal that would end or stop sera instead of the
   * command. Signals wait for {@linkcode passOnTo} if that is called in the same turn of the event loop.
   */
  expect(ownSession: boolean): void {
    for (const signal of caughtBefore(ownSession)) this.#listen(signal);
  }

  /** From now on, passes every catchable signal on to the command. */
  passOnTo(target: SignalTarget): void {
    this.#target = target;
    this.#passOnFileSizeFrom = performance.now() + OWN_WRITES;
    for (const signal of caughtAfter(target.ownSession)) this.#listen(signal);
  }

  /**
   * Stops passing signals on, since the command has ended.
   *
   * @returns Fires when a signal is to end sera.
   */
  endPassingOn(): AbortSignal {
    this.#target = undefined;
    this.#endsOnAny = false;
    return this.interrupted;
  }

  /** Stops listening; only for tests, where the process goes on. */
  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) Deno.removeSignalListener(signal, listener);
    this.#listeners.clear();
  }

  #listen(signal: Deno.Signal): void {
    if (this.#listeners.has(signal)) return;
    // As soon as a program listens to any signal, Deno also catches SIGHUP, SIGINT and SIGTERM, and they end the program
    // even if they were ignored. So ignored signals have to be caught and dropped here.
    const listener = () => {
      this.#idle = this.#idle.then(() => this.#received(signal));
    };
    Deno.addSignalListener(signal, listener);
    this.#listeners.set(signal, listener);
  }

  async #received(signal: Deno.Signal): Promise<void> {
    if (!this.#target && !ENDING.includes(signal) && !this.#endsOnAny) return;
    if (signal === "SIGXFSZ" && performance.now() < this.#passOnFileSizeFrom) return;
    // Do not send it twice: many programs take a second signal as "at once".
    const hasReached = this.#target?.ownSession === false && await this.#witness.reachedGroup(signal);
    if ((await this.#witness.ignored()).has(signal)) return;
    const number = this.#endsOnAny ? numberOf(signal) : ENDING_NUMBERS[signal];
    // The command may have ended while the shell was being asked.
    const target = this.#target;
    if (!target) return number === undefined ? undefined : this.#ended.abort(new InterruptedError(number));
    if (ENDING.includes(signal)) this.#passedOn ??= number;
    if (hasReached) return;
    if (!target.ownSession || !STOPPING.includes(signal)) return target.signal(signal);
    target.signal("SIGSTOP");
    // sera stops too, since a shell takes the terminal back only when sera itself has stopped. SIGCONT then wakes both.
    Deno.kill(Deno.pid, "SIGSTOP");
  }
}
