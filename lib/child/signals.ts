import { InterruptedError } from "../errors.ts";
import { caughtAfter, caughtBefore, ENDING, ENDING_NUMBERS, numberOf, STOPPING } from "./signal_lists.ts";
import type { SignalWitness } from "./signal_witness.ts";

/** What sera passes signals on to. */
export interface SignalTarget {
  /** Whether it has a session of its own, out of reach of the terminal's keys. */
  readonly ownSession: boolean;
  /** Sends a signal to it. */
  signal(signal: Deno.Signal): void;
}

/**
 * For how long after the command's start SIGXFSZ is not passed on, in milliseconds: the kernel sends it for a write that
 * exceeds `ulimit -f`, and sera itself may have written just before.
 */
const OWN_WRITES = 50;

/**
 * Catches the signals that sera gets. Until the command runs, they end the wait; then they are passed on to the command.
 * A signal that was ignored when sera was started stays ignored, and is not passed on.
 *
 * It listens until the process ends: a signal after the command's end must not end sera, which still has to return the
 * command's exit code.
 */
export class SignalRelay implements Disposable {
  readonly #ended = new AbortController();
  readonly #witness: SignalWitness;
  readonly #listeners = new Map<Deno.Signal, () => void>();
  #target: SignalTarget | undefined;
  #passedOn: number | undefined;
  /** From when on SIGXFSZ is passed on, on the clock of performance.now(). */
  #passesFileSizeFrom = Infinity;
  #endsByAll = false;
  /** Settles when all signals that came before have been handled. */
  #idle: Promise<void> = Promise.resolve();

  constructor(witness: SignalWitness) {
    this.#witness = witness;
    for (const signal of ENDING) this.#listen(signal);
    // By default it would end sera at the first line that it writes.
    if (Deno.build.os !== "windows") this.#listen("SIGXFSZ");
  }

  /** Fires when a signal came while there was no command; the reason is an {@linkcode InterruptedError}. */
  get interrupted(): AbortSignal {
    return this.#ended.signal;
  }

  /** The number of the first signal that was to end sera and went to the command instead. */
  get passedOn(): number | undefined {
    return this.#passedOn;
  }

  /** From now on every signal that would end sera ends the wait, if it can be caught, so that sera can log its exit code. */
  endByAll(): void {
    this.#endsByAll = true;
    for (const signal of caughtBefore(false)) if (numberOf(signal) !== undefined) this.#listen(signal);
  }

  /**
   * To be called just before a command is started: from now on catches every signal that would end or stop sera instead of
   * the command. Signals are kept for {@linkcode passOnTo} if that is called in the same turn of the event loop.
   */
  expect(ownSession: boolean): void {
    for (const signal of caughtBefore(ownSession)) this.#listen(signal);
  }

  /** From now on passes on every signal that can be caught to the command. */
  passOnTo(target: SignalTarget): void {
    this.#target = target;
    this.#passesFileSizeFrom = performance.now() + OWN_WRITES;
    for (const signal of caughtAfter(target.ownSession)) this.#listen(signal);
  }

  /**
   * From now on no longer passes signals on, since the command has ended.
   *
   * @returns Fires when a signal is to end sera.
   */
  endPassingOn(): AbortSignal {
    this.#target = undefined;
    this.#endsByAll = false;
    return this.interrupted;
  }

  /** Stops listening; only for tests, where the process goes on. */
  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) Deno.removeSignalListener(signal, listener);
    this.#listeners.clear();
  }

  #listen(signal: Deno.Signal): void {
    if (this.#listeners.has(signal)) return;
    // As soon as a program listens to any signal, Deno itself catches SIGHUP, SIGINT and SIGTERM and ends by them, even if
    // they were ignored. So ignored signals have to be caught and dropped here.
    const listener = () => {
      this.#idle = this.#idle.then(() => this.#received(signal));
    };
    Deno.addSignalListener(signal, listener);
    this.#listeners.set(signal, listener);
  }

  async #received(signal: Deno.Signal): Promise<void> {
    if (!this.#target && !ENDING.includes(signal) && !this.#endsByAll) return;
    if (signal === "SIGXFSZ" && performance.now() < this.#passesFileSizeFrom) return;
    // Not sent twice: many programs take a second signal as "at once".
    const hasIt = this.#target?.ownSession === false && await this.#witness.reachedGroup(signal);
    if ((await this.#witness.ignored()).has(signal)) return;
    const number = this.#endsByAll ? numberOf(signal) : ENDING_NUMBERS[signal];
    // The command may have ended while the shell was asked.
    const target = this.#target;
    if (!target) return number === undefined ? undefined : this.#ended.abort(new InterruptedError(number));
    if (ENDING.includes(signal)) this.#passedOn ??= number;
    if (hasIt) return;
    if (!target.ownSession || !STOPPING.includes(signal)) return target.signal(signal);
    target.signal("SIGSTOP");
    // sera stops too: a shell takes the terminal back only when sera itself has stopped. SIGCONT then wakes both.
    Deno.kill(Deno.pid, "SIGSTOP");
  }
}
