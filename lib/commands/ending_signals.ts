import { ENDING, numberOf } from "../child/signal_lists.ts";
import { InterruptedError } from "../errors.ts";

/** Catches the signals that end sera, for work that has something to put in order first. */
export class EndingSignals implements Disposable {
  readonly #ended = new AbortController();
  readonly #listeners = ENDING.map((signal) =>
    [signal, () => this.#ended.abort(new InterruptedError(numberOf(signal) ?? 0))] as const
  );

  constructor() {
    for (const [signal, listener] of this.#listeners) Deno.addSignalListener(signal, listener);
  }

  /** Fires when one has come; the reason is an {@linkcode InterruptedError}. */
  get interrupted(): AbortSignal {
    return this.#ended.signal;
  }

  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) Deno.removeSignalListener(signal, listener);
  }
}

/**
 * Does work until it is done or a signal ends it.
 *
 * @returns The exit code: the work's, or 128+n after signal n.
 */
export async function untilSignalled(work: (interrupted: AbortSignal) => Promise<number>): Promise<number> {
  using signals = new EndingSignals();
  try {
    return await work(signals.interrupted);
  } catch (error) {
    const { interrupted } = signals;
    if (!interrupted.aborted) throw error;
    return (interrupted.reason as InterruptedError).exitCode;
  }
}
