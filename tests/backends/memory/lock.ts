import type { BackendLock, LockOptions } from "../../../lib/backends/backend.ts";
import { AskedToEndError, LockLostError, QueueFullError } from "../../../lib/errors.ts";
import type { HeldLock } from "../../../lib/lock/lock.ts";
import type { Seen } from "../../../lib/who/sighting.ts";
import { type Asker, free, isHeldBy, sightingsOf, take, WAITERS } from "./holders.ts";

export class MemoryLock implements BackendLock {
  readonly #asker: Asker;
  readonly #maxWaiters: number;

  constructor(asker: Asker, { maxWaiters = Infinity }: Pick<LockOptions, "maxWaiters">) {
    this.#asker = asker;
    this.#maxWaiters = maxWaiters;
  }

  session(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  sightings(): Promise<Seen> {
    return Promise.resolve({ sightings: sightingsOf({ lock: this.#asker.presence.lock }), otherSessions: [] });
  }

  async acquire(wait: number, signal: AbortSignal): Promise<HeldLock | undefined> {
    signal.throwIfAborted();
    const slot = take(this.#asker) ?? (wait > 0 ? await this.#turn(wait, signal) : undefined);
    return slot === undefined ? undefined : new HeldInMemory(this.#asker, slot);
  }

  /** Waits until the lock is free, and takes it; undefined when the time is over. */
  #turn(wait: number, signal: AbortSignal): Promise<number | undefined> {
    const { lock } = this.#asker.presence;
    const others = [...WAITERS.keys()].filter(({ presence }) => presence.lock === lock);
    if (others.length >= this.#maxWaiters) throw new QueueFullError(this.#maxWaiters);
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", abandon);
        WAITERS.delete(this.#asker);
        settle();
      };
      const abandon = () => end(() => reject(signal.reason));
      const timer = wait === Infinity ? undefined : setTimeout(() => end(() => resolve(undefined)), wait);
      signal.addEventListener("abort", abandon);
      // It belongs to this waiter before any other request.
      WAITERS.set(this.#asker, () => {
        try {
          const slot = take(this.#asker);
          if (slot !== undefined) end(() => resolve(slot));
        } catch (error) {
          end(() => reject(error));
        }
      });
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    free(this.#asker);
    return Promise.resolve();
  }
}

class HeldInMemory implements HeldLock {
  readonly #lost = new AbortController();
  readonly #asked = new AbortController();
  readonly lost = this.#lost.signal;
  readonly asked = this.#asked.signal;
  readonly session = undefined;
  readonly left = Infinity;
  readonly heldToEnd = true;
  readonly slot: number | undefined;
  onRenewed = undefined;

  constructor(readonly asker: Asker, slot: number) {
    this.slot = asker.presence.slots === undefined ? undefined : slot;
    asker.lose = () => this.#lost.abort(new LockLostError("The lock was taken away"));
    asker.end = (who) => this.#asked.abort(new AskedToEndError(who));
  }

  commandEnded(): void {}

  confirm(): Promise<void> {
    return isHeldBy(this.asker) ? Promise.resolve() : Promise.reject(this.lost.reason);
  }

  release(): Promise<void> {
    return free(this.asker) ? Promise.resolve() : Promise.reject(new LockLostError("The lock was already released"));
  }
}
