/**
 * Waiting for the first of several things (a result, an event, a signal, a time limit), and then cleaning up, so that no
 * timer and no listener is left. Every wait in sera is built from this.
 *
 * @module
 */

import type { EventEmitter } from "node:events";
import { Deadline, MAX_TIMER_DELAY } from "./deadline.ts";

/** Never aborts. */
export const NEVER: AbortSignal = new AbortController().signal;

/** Removes what a wait has set up: a timer, a listener. */
type Stop = () => void;

/** One thing that can end a wait. Called when the wait begins; returns how to clean up, if that is needed. */
export type Cause<T> = (resolve: (value: T) => void, reject: (error: unknown) => void) => Stop | undefined | void;

/**
 * Waits for the first of several causes, and stops the others. They begin in order; if one ends the wait at once, such as
 * a signal that has already fired, those after it do not begin.
 *
 * @throws What the first cause fails with.
 */
export function firstOf<T>(...causes: Cause<T>[]): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stops: Stop[] = [];
    let isOver = false;
    const over = <A>(settle: (argument: A) => void) => (argument: A) => {
      if (isOver) return;
      isOver = true;
      for (const stop of stops) stop();
      settle(argument);
    };
    const [resolveOnce, rejectOnce] = [over(resolve), over(reject)];
    for (const begin of causes) {
      try {
        const stop = begin(resolveOnce, rejectOnce);
        if (isOver) return stop?.();
        if (stop) stops.push(stop);
      } catch (error) {
        return rejectOnce(error);
      }
    }
  });
}

/** The cause that a promise settles. After the wait its result is ignored, even a failure. */
export function settled<T>(promise: Promise<T>): Cause<T> {
  return (resolve, reject) => {
    promise.then(resolve, reject);
  };
}

/**
 * The cause that a signal fires, or has fired.
 *
 * @param signal Undefined: never.
 * @param result Returns the wait's result, or throws its error.
 */
export function aborted<T>(signal: AbortSignal | undefined, result: (signal: AbortSignal) => T): Cause<T> {
  return (resolve, reject) => signal && onAbort(signal, () => attempt(() => result(signal), resolve, reject));
}

/**
 * The cause that some time has passed.
 *
 * @param delay Milliseconds; any length, also `Infinity`. The timer keeps the process running.
 * @param result As for {@linkcode aborted}.
 */
export function elapsed<T>(delay: number, result: () => T): Cause<T> {
  return (resolve, reject) => {
    const deadline = new Deadline(delay);
    let timer = start(deadline.remaining);
    return () => clearTimeout(timer);

    function start(remaining: number) {
      return setTimeout(() => {
        if (deadline.passed) attempt(result, resolve, reject);
        else timer = start(deadline.remaining);
      }, Math.min(remaining, MAX_TIMER_DELAY));
    }
  };
}

/**
 * Resolves after a delay, or as soon as one of the signals fires. To learn which, look at the signals.
 *
 * @param delay Milliseconds; any length, also `Infinity`.
 */
export function delayOrAbort(delay: number, ...signals: AbortSignal[]): Promise<void> {
  return firstOf(...signals.map((signal) => aborted(signal, nothing)), elapsed(delay, nothing));
}

/**
 * Resolves to a promise's result, or to undefined if that takes longer than the limit.
 *
 * @param limit Milliseconds; `Infinity` sets no limit.
 * @throws What the promise fails with in that time.
 */
export function within<T>(limit: number, promise: Promise<T>): Promise<T | undefined> {
  return limit === Infinity ? promise : firstOf<T | undefined>(settled(promise), elapsed(limit, nothing));
}

/**
 * Resolves to a promise's result, unless a signal fires first; an undefined signal never fires.
 *
 * @throws What the promise fails with, or the signal's reason.
 */
export function unlessAborted<T>(signal: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
  return firstOf<T>(
    settled(promise),
    aborted(signal, ({ reason }) => {
      throw reason;
    }),
  );
}

/** A signal that fires after some time, unless it is disposed of first. */
export class TimeLimit implements Disposable {
  readonly #over = new AbortController();
  readonly #stop: ReturnType<Cause<unknown>>;

  /**
   * @param limit Milliseconds, any length.
   * @param reason Makes the signal's reason.
   */
  constructor(limit: number, reason: () => unknown) {
    this.#stop = elapsed(limit, () => this.#over.abort(reason()))(nothing, nothing);
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  [Symbol.dispose](): void {
    this.#stop?.();
  }
}

/**
 * Does something when a signal fires; at once if it has already fired.
 *
 * @returns Call it to stop listening.
 */
export function onAbort(signal: AbortSignal, action: () => void): Stop {
  if (signal.aborted) action();
  else signal.addEventListener("abort", action, { once: true });
  return () => signal.removeEventListener("abort", action);
}

/**
 * Calls a listener whenever a Node.js emitter emits an event.
 *
 * @returns Call it to stop listening.
 */
export function onEvent<T>(emitter: EventEmitter, name: string, listener: (value: T) => void): Stop {
  emitter.on(name, listener);
  return () => emitter.removeListener(name, listener);
}

/** As {@linkcode onAbort}, until the result is disposed of. */
export function listening(signal: AbortSignal, action: () => void): Disposable {
  return { [Symbol.dispose]: onAbort(signal, action) };
}

function attempt<T>(result: () => T, resolve: (value: T) => void, reject: (error: unknown) => void): void {
  let value;
  try {
    value = result();
  } catch (error) {
    return reject(error);
  }
  resolve(value);
}

function nothing(): undefined {}
