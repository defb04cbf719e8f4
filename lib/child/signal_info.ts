import { numberOf, signalsIn } from "./signal_lists.ts";
import type { ShellStatus } from "./shell_status.ts";

/**
 * How long after a signal to the whole group the same signal to sera counts as the same event, in milliseconds: timeout(1)
 * sends one signal to sera and another to the group.
 */
const SAME_SIGNAL = 500;

/**
 * What sera itself cannot find out about its signals: which were ignored or blocked when it was started, and which were
 * sent to its whole process group. The helper shell knows, and is asked when needed, see `HelperShell`.
 */
export class SignalInfo {
  readonly #ask: () => Promise<ShellStatus | undefined>;
  #ignored: ReadonlySet<Deno.Signal> | undefined;
  /** When each signal was last sent to the group, by signal number. */
  readonly #groupHits = new Map<number, number>();

  /** @param ask Asks the shell; resolves to undefined if it does not answer. */
  constructor(ask: () => Promise<ShellStatus | undefined>) {
    this.#ask = ask;
  }

  /** The signals that were ignored when sera was started, as by nohup(1). Cached, since the shell may end before sera. */
  async ignored(): Promise<ReadonlySet<Deno.Signal>> {
    if (!this.#ignored) await this.#learn();
    return this.#ignored ?? new Set();
  }

  /** The signals that never reach sera because they were blocked when it was started. */
  async blocked(): Promise<readonly Deno.Signal[]> {
    return [...signalsIn((await this.#learn())?.blocked ?? 0)];
  }

  /** Whether a signal that sera has just received was sent to its whole group, and so to a command in that group too. */
  async reachedGroup(signal: Deno.Signal): Promise<boolean> {
    const came = performance.now();
    // No answer. These usually come from the terminal's keys, which signal the whole group.
    if (!await this.#learn()) return signal === "SIGINT" || signal === "SIGQUIT";
    return came - (this.#groupHits.get(numberOf(signal) ?? 0) ?? -Infinity) < SAME_SIGNAL;
  }

  async #learn(): Promise<ShellStatus | undefined> {
    const asked = performance.now();
    const status = await this.#ask();
    this.#ignored ??= signalsIn(status?.ignored ?? 0);
    // The shell reports each signal only once.
    for (const number of status?.got ?? []) this.#groupHits.set(number, asked);
    return status;
  }
}
