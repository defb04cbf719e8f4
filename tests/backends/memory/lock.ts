import type { BackendLock } from "../../../lib/backends/backend.ts";
import { LockLostError } from "../../../lib/errors.ts";
import type { HeldLock } from "../../../lib/lock/lock.ts";
import type { Presence } from "../../../lib/lock/presence.ts";
import type { Seen, Sighting } from "../../../lib/who/sighting.ts";

/** Who holds a lock and who waits for it, the longest first. */
class Queue {
  holder: Presence | undefined;
  readonly waiters = new Map<Presence, () => void>();

  get sightings(): readonly Sighting[] {
    const holder: Sighting[] = this.holder ? [{ ...this.holder, state: "held" }] : [];
    return [...holder, ...[...this.waiters.keys()].map((waiter) => ({ ...waiter, state: "waiting" as const }))];
  }

  free(): void {
    this.holder = undefined;
    const [next] = this.waiters.values();
    next?.();
  }
}

/** By the locks' names. */
export const QUEUES = new Map<string, Queue>();

export function queueOf(name: string): Queue {
  const queue = QUEUES.get(name) ?? new Queue();
  QUEUES.set(name, queue);
  return queue;
}

export class MemoryLock implements BackendLock {
  readonly #presence: Presence;
  readonly #queue: Queue;

  constructor(presence: Presence) {
    this.#presence = presence;
    this.#queue = queueOf(presence.lock);
  }

  session(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  sightings(): Promise<Seen> {
    return Promise.resolve({ sightings: this.#queue.sightings, strangers: [] });
  }

  async acquire(wait: number, signal: AbortSignal): Promise<HeldLock | undefined> {
    signal.throwIfAborted();
    if (this.#queue.holder && !await this.#turn(wait, signal)) return undefined;
    this.#queue.holder = this.#presence;
    return new HeldInMemory(() => this.#free());
  }

  /** Waits until the lock is free; false when the time is over. */
  #turn(wait: number, signal: AbortSignal): Promise<boolean> {
    const { waiters } = this.#queue;
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", abandon);
        waiters.delete(this.#presence);
        settle();
      };
      const abandon = () => end(() => reject(signal.reason));
      const timer = wait === Infinity ? undefined : setTimeout(() => end(() => resolve(false)), wait);
      signal.addEventListener("abort", abandon);
      // It is this waiter's before anybody else can ask.
      waiters.set(this.#presence, () => {
        this.#queue.holder = this.#presence;
        end(() => resolve(true));
      });
    });
  }

  #free(): boolean {
    if (this.#queue.holder !== this.#presence) return false;
    this.#queue.free();
    return true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#free();
    return Promise.resolve();
  }
}

class HeldInMemory implements HeldLock {
  readonly lost = new AbortController().signal;
  readonly asked = new AbortController().signal;
  readonly session = undefined;
  readonly left = Infinity;
  readonly heldToEnd = true;
  onRenewed = undefined;

  /** @param free Gives the lock back; whether it was there to give. */
  constructor(readonly free: () => boolean) {}

  commandEnded(): void {}

  confirm(): Promise<void> {
    return Promise.resolve();
  }

  release(): Promise<void> {
    return this.free() ? Promise.resolve() : Promise.reject(new LockLostError("The lock was given back before"));
  }
}
