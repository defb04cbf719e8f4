import { numberOf, signalsIn } from "./signal_lists.ts";
import type { Testimony } from "./testimony.ts";

/**
 * For how long after a signal to the whole group another one of the kind is taken for a part of it, in milliseconds:
 * timeout(1) sends one to sera and another one to the group.
 */
const SAME_SIGNAL = 500;

/**
 * What sera cannot see of its own signals: which of them were ignored or blocked when it was started, and which went to its
 * whole process group. The shell beside the command saw it, see `LastWill`, and is asked when somebody wants to know.
 */
export class SignalWitness {
  readonly #ask: () => Promise<Testimony | undefined>;
  #ignored: ReadonlySet<Deno.Signal> | undefined;
  /** When the group was last sent a signal, by its number. */
  readonly #groupHits = new Map<number, number>();

  /** @param ask Asks the shell; gives undefined where nobody knows. */
  constructor(ask: () => Promise<Testimony | undefined>) {
    this.#ask = ask;
  }

  /** The signals that sera was started with ignored, as nohup(1) does with SIGHUP. Remembered: the shell may be gone later. */
  async ignored(): Promise<ReadonlySet<Deno.Signal>> {
    if (!this.#ignored) await this.#learn();
    return this.#ignored ?? new Set();
  }

  /** The signals that do not reach sera, since they were blocked when it was started. */
  async blocked(): Promise<readonly Deno.Signal[]> {
    return [...signalsIn((await this.#learn())?.blocked ?? 0)];
  }

  /** Whether a signal that sera has just got went to its whole group, and so to a command in it as well. */
  async reachedGroup(signal: Deno.Signal): Promise<boolean> {
    const came = performance.now();
    // The terminal's keys send these, and they always reach the group.
    if (!await this.#learn()) return signal === "SIGINT" || signal === "SIGQUIT";
    return came - (this.#groupHits.get(numberOf(signal) ?? 0) ?? -Infinity) < SAME_SIGNAL;
  }

  async #learn(): Promise<Testimony | undefined> {
    const asked = performance.now();
    const testimony = await this.#ask();
    this.#ignored ??= signalsIn(testimony?.ignored ?? 0);
    // The shell tells of each signal once only.
    for (const number of testimony?.got ?? []) this.#groupHits.set(number, asked);
    return testimony;
  }
}
