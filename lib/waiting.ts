/**
 * Waiting, written once: for what comes first of a result, an event, a signal and a time limit, and then cleaning up, so
 * that no timer and no listener stays behind.
 *
 * @module
 */

import type { EventEmitter } from "node:events";
import { Deadline, LONGEST_TIMER } from "./deadline.ts";

/** Takes back what was begun for a wait: a timer, a listener. */
type Stop = () => void;

/** One thing that can end a wait. It begins to look out for it, and returns how to stop, if there is something to stop. */
export type Cause<T> = (resolve: (value: T) => void, reject: (error: unknown) => void) => Stop | undefined;

/**
 * Waits for the first of several causes, and stops the others. They begin in their order; when one has come about at
 * once, such as a signal that fired long ago, those after it do not even begin.
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

/** The cause that a promise is settled. One that is settled later is forgotten, also when it fails. */
export function settled<T>(promise: Promise<T>): Cause<T> {
  return (resolve, reject) => {
    promise.then(resolve, reject);
  };
}

/**
 * The cause that a signal fires, or has fired.
 *
 * @param signal Undefined never fires.
 * @param result Gives what the wait ends with, or throws it.
 */
export function aborted<T>(signal: AbortSignal | undefined, result: (signal: AbortSignal) => T): Cause<T> {
  return (resolve, reject) => signal && onAbort(signal, () => attempt(() => result(signal), resolve, reject));
}

/**
 * The cause that some time has passed.
 *
 * @param delay Milliseconds; any length, also `Infinity`. Meanwhile sera does not end for want of something to do.
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
      }, Math.min(remaining, LONGEST_TIMER));
    }
  };
}

/**
 * Resolves after a delay, or as soon as one of the signals fires. Does not tell which of the two it was: look.
 *
 * @param delay Milliseconds; any length, also `Infinity`.
 */
export function delayOrAbort(delay: number, ...signals: AbortSignal[]): Promise<void> {
  return firstOf(...signals.map((signal) => aborted(signal, nothing)), elapsed(delay, nothing));
}

/**
 * Gives what a promise gives, or undefined when that takes longer.
 *
 * @param limit Milliseconds; `Infinity` sets no limit.
 * @throws What the promise fails with in that time.
 */
export function within<T>(limit: number, promise: Promise<T>): Promise<T | undefined> {
  return limit === Infinity ? promise : firstOf<T | undefined>(settled(promise), elapsed(limit, nothing));
}

/** A signal that fires after some time, unless it is disposed of before. */
export class TimeLimit implements Disposable {
  readonly #over = new AbortController();
  readonly #stop: Stop | undefined;

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
 * Does something when a signal fires, at once if it has fired.
 *
 * @returns Stops listening.
 */
export function onAbort(signal: AbortSignal, action: () => void): Stop {
  if (signal.aborted) action();
  else signal.addEventListener("abort", action, { once: true });
  return () => signal.removeEventListener("abort", action);
}

/**
 * Calls a listener whenever an event of Node.js's kind is emitted.
 *
 * @returns Stops listening.
 */
export function onEvent<T>(emitter: EventEmitter, name: string, listener: (value: T) => void): Stop {
  emitter.on(name, listener);
  return () => emitter.removeListener(name, listener);
}

/** As {@linkcode onAbort}, as long as what it returns is not disposed of. */
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
