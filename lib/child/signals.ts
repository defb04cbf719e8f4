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
 * For how long after the command's start SIGXFSZ is sera's own, in milliseconds: the kernel sends it for a write that
 * exceeds `ulimit -f`, and sera has written just before.
 */
const OWN_WRITES = 50;

/**
 * Catches the signals that sera gets: until the command runs, one of them ends the wait; then they are the command's.
 * A signal that sera was started with ignored stays ignored, and is not passed on.
 *
 * It listens until the process is gone: a signal that comes when the command has ended must not end sera, which has its
 * exit code to hand back.
 */
export class SignalRelay implements Disposable {
  readonly #ended = new AbortController();
  readonly #witness: SignalWitness;
  readonly #listeners = new Map<Deno.Signal, () => void>();
  #target: SignalTarget | undefined;
  #passedOn: number | undefined;
  /** From when on SIGXFSZ is the command's, as performance.now() has it. */
  #passesFileSizeFrom = Infinity;
  #endsByAll = false;
  /** Settles when all signals that came before have been handled. */
  #idle: Promise<void> = Promise.resolve();

  constructor(witness: SignalWitness) {
    this.#witness = witness;
    for (const signal of ENDING) this.#listen(signal);
    // Otherwise the first line that sera writes may end it.
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

  /** From now on every signal that would end sera, and can be caught, ends the wait, so that there can be a last word. */
  endByAll(): void {
    this.#endsByAll = true;
    for (const signal of caughtBefore(false)) if (numberOf(signal) !== undefined) this.#listen(signal);
  }

  /**
   * From now on catches every signal that would end or stop sera in the place of a command that is about to be started.
   * What comes before {@linkcode passOnTo} is kept for it, if that is called in the same turn of the event loop.
   */
  expect(ownSession: boolean): void {
    for (const signal of caughtBefore(ownSession)) this.#listen(signal);
  }

  /** From now on passes every signal that can be caught on to the command. */
  passOnTo(target: SignalTarget): void {
    this.#target = target;
    this.#passesFileSizeFrom = performance.now() + OWN_WRITES;
    for (const signal of caughtAfter(target.ownSession)) this.#listen(signal);
  }

  /**
   * From now on there is no command any more, and sera waits again.
   *
   * @returns Fires when a signal comes that is to end sera.
   */
  endPassingOn(): AbortSignal {
    this.#target = undefined;
    this.#endsByAll = false;
    return this.interrupted;
  }

  /** Listens no more: for tests, where the process goes on. */
  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) Deno.removeSignalListener(signal, listener);
    this.#listeners.clear();
  }

  #listen(signal: Deno.Signal): void {
    if (this.#listeners.has(signal)) return;
    // Deno takes SIGHUP, SIGINT and SIGTERM into its own hands as soon as anybody listens to any signal, and would end by
    // them. So the ignored ones have to be caught and dropped.
    const listener = () => {
      this.#idle = this.#idle.then(() => this.#received(signal));
    };
    Deno.addSignalListener(signal, listener);
    this.#listeners.set(signal, listener);
  }

  async #received(signal: Deno.Signal): Promise<void> {
    if (!this.#target && !ENDING.includes(signal) && !this.#endsByAll) return;
    if (signal === "SIGXFSZ" && performance.now() < this.#passesFileSizeFrom) return;
    // To send it to a command that has it already would mean "at once" to many.
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
    // Sera as well: a shell waits for that before it takes its terminal back. SIGCONT then wakes both.
    Deno.kill(Deno.pid, "SIGSTOP");
  }
}
