import type { BackendLock, LockOptions } from "../../../lib/backends/backend.ts";
import { Deadline } from "../../../lib/deadline.ts";
import { LockLostError, QueueFullError } from "../../../lib/errors.ts";
import type { HeldLock } from "../../../lib/lock/lock.ts";
import { type Presence, presenceOf } from "../../../lib/lock/presence.ts";
import type { Seen } from "../../../lib/who/sighting.ts";
import { type Holder, queueOf } from "./queue.ts";

export class MemoryLock implements BackendLock {
  /** All that are asked for, in the order of their names, those with slots last. */
  readonly #wanted: readonly { readonly presence: Presence; readonly slots: number }[];
  readonly #main: string;
  readonly #options: LockOptions;
  #held: readonly Holder[] = [];

  constructor(name: string, options: LockOptions) {
    const { slots = 1, also = [] } = options;
    const wanted = [name, ...also].toSorted().map((lock) => ({
      presence: presenceOf(lock, options),
      slots: lock === name ? slots : 1,
    }));
    this.#wanted = wanted.toSorted((a, b) => a.slots - b.slots);
    this.#main = name;
    this.#options = options;
  }

  session(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  sightings(): Promise<Seen> {
    const own = this.#wanted.map(({ presence }) => presence);
    const sightings = own.flatMap(({ lock }) => queueOf(lock).sightings);
    return Promise.resolve({ sightings, strangers: [] });
  }

  async acquire(wait: number, signal: AbortSignal): Promise<HeldLock | undefined> {
    signal.throwIfAborted();
    const deadline = new Deadline(wait);
    try {
      for (const { presence, slots } of this.#wanted) {
        const holder = queueOf(presence.lock).take(presence, slots) ??
          (wait === 0 ? undefined : await this.#turn(presence, slots, deadline.remaining, signal));
        if (!holder) {
          this.#free();
          return undefined;
        }
        this.#held = [...this.#held, holder];
      }
    } catch (error) {
      this.#free();
      throw error;
    }
    const held = this.#held;
    const main = held.find(({ presence }) => presence.lock === this.#main)!;
    const slot = this.#options.slots === undefined ? undefined : main.slot;
    return new HeldInMemory(() => this.#held === held && this.#free(), slot, AbortSignal.any(held.map((h) => h.asked)));
  }

  /** Waits until the lock is free; undefined when the time is over. */
  #turn(presence: Presence, slots: number, wait: number, signal: AbortSignal): Promise<Holder | undefined> {
    const { waiters } = queueOf(presence.lock);
    const { maxWaiters = Infinity } = this.#options;
    if (waiters.size >= maxWaiters) throw new QueueFullError(maxWaiters);
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", abandon);
        waiters.delete(presence);
        settle();
      };
      const abandon = () => end(() => reject(signal.reason));
      const timer = wait === Infinity ? undefined : setTimeout(() => end(() => resolve(undefined)), wait);
      signal.addEventListener("abort", abandon);
      waiters.set(presence, {
        presence,
        slots,
        granted: (holder) => end(() => resolve(holder)),
        refused: (error) => end(() => reject(error)),
      });
    });
  }

  #free(): boolean {
    const held = this.#held;
    this.#held = [];
    return held.length > 0 && held.map((holder) => queueOf(holder.presence.lock).free(holder)).every(Boolean);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#free();
    return Promise.resolve();
  }
}

class HeldInMemory implements HeldLock {
  readonly lost = new AbortController().signal;
  readonly session = undefined;
  readonly left = Infinity;
  readonly heldToEnd = true;
  onRenewed = undefined;

  /** @param free Gives the lock back; whether it was there to give. */
  constructor(readonly free: () => boolean, readonly slot: number | undefined, readonly asked: AbortSignal) {}

  commandEnded(): void {}

  confirm(): Promise<void> {
    return Promise.resolve();
  }

  release(): Promise<void> {
    return this.free() ? Promise.resolve() : Promise.reject(new LockLostError("The lock was given back before"));
  }
}
