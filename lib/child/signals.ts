import { InterruptedError } from "../errors.ts";
import { caughtAfter, caughtBefore, ENDING, ENDING_NUMBERS, numberOf, signalsIn, STOPPING } from "./signal_lists.ts";
import type { Testimony } from "./testimony.ts";

/** Who knows the signals that sera was started with ignored, and those that its group was sent; asked when one comes. */
export interface SignalWitness {
  /** Undefined where nobody knows. */
  testify(): Promise<Testimony | undefined>;
}

/** What signals are passed on to. */
export interface SignalTarget {
  /** Whether it has a session of its own, out of reach of the terminal's keys. */
  readonly ownSession: boolean;
  /** Sends a signal to it. */
  signal(signal: Deno.Signal): void;
}

/**
 * For how long after a signal to the whole group another one of the kind is taken for a part of it, in milliseconds:
 * timeout(1) sends one to sera and another one to the group.
 */
const ONE_AND_THE_SAME = 500;

/**
 * For how long after the command's start SIGXFSZ is sera's own, in milliseconds: the kernel sends it for a write that
 * exceeds `ulimit -f`, and sera has written just before.
 */
const OWN_WRITES = 50;

/**
 * Catches the signals that sera gets: until the command runs, one of them ends the wait; then they are the command's.
 * A signal that sera was started with ignored, as nohup(1) does with SIGHUP, stays ignored, and is not passed on.
 *
 * It listens until the process is gone: a signal that comes when the command has ended must not end sera, which has its
 * exit code to hand back.
 */
export class SignalRelay implements Disposable {
  readonly #ended = new AbortController();
  readonly #witness: SignalWitness;
  readonly #listeners = new Map<Deno.Signal, () => void>();
  /** When the group was last sent a signal. */
  readonly #groupHits = new Map<Deno.Signal, number>();
  #target: SignalTarget | undefined;
  #passedOn: number | undefined;
  #ignored: ReadonlySet<Deno.Signal> | undefined;
  #passesFileSize = false;
  #endsByAll = false;
  /** What came before is dealt with. */
  #idle: Promise<void> = Promise.resolve();

  constructor(witness: SignalWitness) {
    this.#witness = witness;
    for (const signal of ENDING) this.#listen(signal);
    // Otherwise the first line that sera writes may end it.
    if (Deno.build.os !== "windows") this.#listen("SIGXFSZ");
  }

  /** Fires when a signal came before there was a command; the reason is an {@linkcode InterruptedError}. */
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
    for (const signal of caughtAfter(target.ownSession)) this.#listen(signal);
    setTimeout(() => this.#passesFileSize = true, OWN_WRITES);
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

  /** Asks now, not when a signal comes, what is ignored: before the one who knows it ends. */
  async learnIgnored(): Promise<void> {
    this.#ignored ??= signalsIn((await this.#witness.testify())?.ignored ?? 0);
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
    if (signal === "SIGXFSZ" && !this.#passesFileSize) return;
    const reachedGroup = await this.#ask(signal);
    if (this.#ignored?.has(signal)) return;
    const number = this.#endsByAll ? numberOf(signal) : ENDING_NUMBERS[signal];
    // It may have ended meanwhile.
    if (!this.#target) return number === undefined ? undefined : this.#ended.abort(new InterruptedError(number));
    if (ENDING.includes(signal)) this.#passedOn ??= number;
    if (!this.#target.ownSession) return reachedGroup ? undefined : this.#target.signal(signal);
    if (!STOPPING.includes(signal)) return this.#target.signal(signal);
    this.#target.signal("SIGSTOP");
    // Sera as well: a shell waits for that before it takes its terminal back. SIGCONT then wakes both.
    Deno.kill(Deno.pid, "SIGSTOP");
  }

  /**
   * Learns what is ignored, if that is not known yet, and whether the signal went to sera's whole group, and so to a
   * command in it. Twice would mean "at once" to many.
   */
  async #ask(signal: Deno.Signal): Promise<boolean> {
    const sharesGroup = this.#target?.ownSession === false;
    if (this.#ignored && !sharesGroup) return false;
    const came = performance.now();
    const testimony = await this.#witness.testify();
    this.#ignored ??= signalsIn(testimony?.ignored ?? 0);
    if (!sharesGroup) return false;
    // The terminal's keys send these, and they always reach the group.
    if (!testimony) return signal === "SIGINT" || signal === "SIGQUIT";
    for (const other of this.#listeners.keys()) {
      if (testimony.got.includes(numberOf(other) ?? 0)) this.#groupHits.set(other, came);
    }
    return came - (this.#groupHits.get(signal) ?? -Infinity) < ONE_AND_THE_SAME;
  }
}
