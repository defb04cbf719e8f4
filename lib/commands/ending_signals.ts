import { ENDING, numberOf } from "../child/signal_lists.ts";
import { InterruptedError } from "../errors.ts";
import { onSignals } from "./on_signals.ts";

/**
 * Does work until it is done or a signal ends it.
 *
 * @param work Gets a signal to stop by, whose reason is an {@linkcode InterruptedError}.
 * @returns The exit code: the work's, or 128+n after signal n.
 */
export async function untilSignalled(work: (interrupted: AbortSignal) => Promise<number>): Promise<number> {
  const ended = new AbortController();
  const interrupted = ended.signal;
  const end = (signal: Deno.Signal) => ended.abort(new InterruptedError(numberOf(signal) ?? 0));
  using _listening = onSignals(Object.fromEntries(ENDING.map((signal) => [signal, () => end(signal)])));
  try {
    return await work(interrupted);
  } catch (error) {
    if (!interrupted.aborted) throw error;
    return (interrupted.reason as InterruptedError).exitCode;
  }
}
