import { numberOf, signalsIn } from "./signal_lists.ts";
import type { Testimony } from "./testimony.ts";

/**
 * For how long after a signal to the whole group the same signal to sera counts as the same event, in milliseconds:
 * timeout(1) sends one to sera and another one to the group.
 */
const SAME_SIGNAL = 500;

/**
 * What sera cannot see of its own signals: which were ignored or blocked when it was started, and which were sent to its
 * whole process group. The helper shell sees it and is asked when needed, see `LastWill`.
 */
export class SignalWitness {
  readonly #ask: () => Promise<Testimony | undefined>;
  #ignored: ReadonlySet<Deno.Signal> | undefined;
  /** When each signal was last sent to the group, by signal number. */
  readonly #groupHits = new Map<number, number>();

  /** @param ask Asks the shell; resolves to undefined if it does not answer. */
  constructor(ask: () => Promise<Testimony | undefined>) {
    this.#ask = ask;
  }

  /** The signals that were ignored when sera was started, as by nohup(1). Remembered: the shell may end before sera. */
  async ignored(): Promise<ReadonlySet<Deno.Signal>> {
    if (!this.#ignored) await this.#learn();
    return this.#ignored ?? new Set();
  }

  /** The signals that do not reach sera, since they were blocked when it was started. */
  async blocked(): Promise<readonly Deno.Signal[]> {
    return [...signalsIn((await this.#learn())?.blocked ?? 0)];
  }

  /** Whether a signal that sera has just got was sent to its whole group, and so to a command in that group too. */
  async reachedGroup(signal: Deno.Signal): Promise<boolean> {
    const came = performance.now();
    // Without an answer: these usually come from the terminal's keys, which signal the whole group.
    if (!await this.#learn()) return signal === "SIGINT" || signal === "SIGQUIT";
    return came - (this.#groupHits.get(numberOf(signal) ?? 0) ?? -Infinity) < SAME_SIGNAL;
  }

  async #learn(): Promise<Testimony | undefined> {
    const asked = performance.now();
    const testimony = await this.#ask();
    this.#ignored ??= signalsIn(testimony?.ignored ?? 0);
    // The shell reports each signal only once.
    for (const number of testimony?.got ?? []) this.#groupHits.set(number, asked);
    return testimony;
  }
}
